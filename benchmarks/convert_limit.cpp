// What one core can do: columns to line protocol by memcpy and std::to_chars, tag sets already rendered.
// Usage: convert_limit FILE ROWS FIELDS. FILE holds ROWS int64 times, FIELDS columns of ROWS doubles (NaN: no value),
// ROWS int32 tag set numbers, then every tag set on a line. Each line on stdin asks for one run; the answer is its
// nanoseconds, and a checksum that keeps the work from being optimised away.
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

static const char *const NAMES[] = {"capacity_factor=", "efficiency=", "power_mw="};

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
    std::vector<char> body(rows * 512);

    for (std::string ask; std::getline(std::cin, ask);) {
        const auto start = std::chrono::steady_clock::now();
        char *out = body.data();
        for (size_t row = 0; row < rows; ++row) {
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
        const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - start;
        std::cout << taken.count() << ' ' << (out - body.data()) << ' ' << int(body[(out - body.data()) / 2]) << std::endl;
    }
}
