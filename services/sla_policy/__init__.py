"""The contract language: policy files, read and checked."""
