//! Computing adapters: Argon2id pool, JWT, sealed boxes, system clock and entropy.
