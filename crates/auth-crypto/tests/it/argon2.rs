//! The copy of argon2 in `vendor` computes what the standard says, in every way that it knows.

use argon2::{Algorithm, Argon2, AssociatedData, Backend, Block, Params, ParamsBuilder, Version};
use data_encoding::HEXLOWER;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id];

/// RFC 9106 §5.1 to §5.3.
const TAGS: [&str; 3] = [
    "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb",
    "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8",
    "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659",
];

/// Numbers that look like chance and are the same every time (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() % u64::from(limit)).unwrap()
    }

    fn block(&mut self) -> Block {
        let mut block = Block::new();
        block.as_mut().fill_with(|| self.next());
        block
    }
}

#[test]
fn the_vectors_of_the_standard_hold_for_every_backend() {
    for backend in Backend::available() {
        for (algorithm, tag) in ALGORITHMS.into_iter().zip(TAGS) {
            let params = ParamsBuilder::new()
                .m_cost(32)
                .t_cost(3)
                .p_cost(4)
                .data(AssociatedData::new(&[4; 12]).unwrap())
                .build()
                .unwrap();
            let argon2 = Argon2::new_with_secret(&[3; 8], algorithm, Version::V0x13, params).unwrap();
            let mut out = [0; 32];
            argon2.with_backend(backend).hash_password_into(&[1; 32], &[2; 16], &mut out).unwrap();
            assert_eq!(HEXLOWER.encode(&out), tag, "{algorithm} {}", backend.name());
        }
    }
}

/// What the `argon2` of Debian, which is the reference implementation, makes of these parameters.
#[test]
fn the_cost_that_passwords_are_hashed_at_agrees_with_the_reference() {
    let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
    for backend in Backend::available() {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone()).with_backend(backend);
        let mut out = [0; 32];
        argon2.hash_password_into(b"password", b"somesaltsomesalt", &mut out).unwrap();
        let tag = "2b5dc4054886ec957ef59c73b661c54dd6fb274590b278f657c6d96aac8fa6d1";
        assert_eq!(HEXLOWER.encode(&out), tag, "{}", backend.name());
    }
}

#[test]
fn backends_agree_on_blocks() {
    let mut numbers = Numbers(1);
    let [portable, others @ ..] = &Backend::available().collect::<Vec<_>>()[..] else {
        panic!("there is no backend")
    };
    for _ in 0..2_000 {
        let (rhs, lhs, before) = (numbers.block(), numbers.block(), numbers.block());
        for add in [false, true] {
            let mut expected = before;
            portable.fill(&rhs, &lhs, &mut expected, add);
            for backend in others {
                let mut found = before;
                backend.fill(&rhs, &lhs, &mut found, add);
                assert_eq!(found.as_ref(), expected.as_ref(), "{} {add}", backend.name());
            }
        }
    }
}

#[test]
fn backends_agree_on_hashes() {
    let mut numbers = Numbers(2);
    for round in 0..200 {
        let (lanes, passes) = (1 + numbers.below(4), 1 + numbers.below(3));
        let memory = 8 * lanes + numbers.below(300);
        let params = Params::new(memory, passes, lanes, Some(32)).unwrap();
        let algorithm = ALGORITHMS[round % 3];
        let version = if round % 2 == 0 { Version::V0x13 } else { Version::V0x10 };
        let (password, salt) = (numbers.next().to_le_bytes(), [numbers.next().to_le_bytes(); 2].concat());
        let tags: Vec<[u8; 32]> = Backend::available()
            .map(|backend| {
                let argon2 = Argon2::new(algorithm, version, params.clone()).with_backend(backend);
                let mut out = [0; 32];
                argon2.hash_password_into(&password, &salt, &mut out).unwrap();
                out
            })
            .collect();
        assert!(tags.iter().all(|tag| *tag == tags[0]), "{algorithm} {memory}/{passes}/{lanes}");
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn every_backend_of_this_processor_is_compared() {
    let names: Vec<&str> = Backend::available().map(Backend::name).collect();
    let mut expected = vec!["portable"];
    if is_x86_feature_detected!("avx2") {
        expected.push("avx2");
    }
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
        expected.push("avx512");
    }
    assert_eq!(names, expected);
}
