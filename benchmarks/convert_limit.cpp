// The upper bound for one core: convert columns to line protocol with memcpy and std::to_chars, from rendered tag sets.
// Usage: convert_limit FILE ROWS FIELDS. FILE holds ROWS int64 times, FIELDS columns of ROWS doubles (NaN: no value),
// ROWS int32 tag set numbers, then one tag set per line. Each line on stdin starts one run, which prints its
// nanoseconds of processor time and a checksum that keeps the compiler from removing the work.
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <ctime>
#include <vector>

static const char *const NAMES[] = {"capacity_factor=", "efficiency=", "power_mw="};

static int64_t processor_ns() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    const size_t rows = std::strtoull(argv[2], nullptr, 10), fields = std::strtoull(argv[3], nullptr, 10);
    std::ifstream file(argv[1], std::ios::binary);
    std::vector<int64_t> time(rows);
    std::vector<std::vector<double>> values(fields, std::vector<double>(rows));
    std::vector<int32_t> tag_set(rows);
    file.read(reinterpret_cast<char *>(time.data()), rows * 8);
    for (auto &column : values) file.read(reinterpret_cast<char *>(column.data()), rows * 8);
    file.read(reinterpret_cast<char *>(tag_set.data()), rows * 4);
    std::vector<std::string> prefixes;
    for (std::string line; std::getline(file, line);) prefixes.push_back(line);
    const size_t lines_at_once = 16384;
    std::vector<char> body(lines_at_once * 512);

    for (std::string ask; std::getline(std::cin, ask);) {
        const int64_t start = processor_ns();
        size_t size = 0;
        char *out = body.data();
        for (size_t row = 0; row < rows; ++row) {
            if (row % lines_at_once == 0) size += out - body.data(), out = body.data();
            const std::string &prefix = prefixes[tag_set[row]];
            std::memcpy(out, prefix.data(), prefix.size());
            out += prefix.size();
            for (size_t field = 0; field < fields; ++field) {
                const double value = values[field][row];
                if (std::isnan(value)) continue;
                const size_t length = std::strlen(NAMES[field]);
                std::memcpy(out, NAMES[field], length);
                out = std::to_chars(out + length, out + length + 32, value).ptr;
                *out++ = ',';
            }
            out[-1] = ' ';
            out = std::to_chars(out, out + 20, time[row]).ptr;
            *out++ = '\n';
        }
        std::cout << processor_ns() - start << ' ' << size + (out - body.data()) << ' ' << int(body[1000]) << std::endl;
    }
}
