"""AWS on this machine: the emulator, its repairs, and the deployment of the CDK app to it."""
