//! What this machine offers: BTF, tracefs, symbols, ELF files, features. A live reader, and one of fixtures for tests.
