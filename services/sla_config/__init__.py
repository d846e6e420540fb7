"""The basis of every package: settings from files, secrets, mistakes reported as sentences."""
