//! PATCH: not part of argon2 0.6.0, see `PATCH.md`. How a block is computed on this processor.
//!
//! The permutation on AVX-512 follows the reference implementation of Argon2
//! (`blamka-round-opt.h`, CC0 or Apache-2.0).

use crate::Block;

#[cfg(target_arch = "x86_64")]
cpufeatures::new!(avx512_cpuid, "avx512f", "avx512vl");
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
cpufeatures::new!(avx2_cpuid, "avx2");

/// A way to compute blocks that this processor has: there is no way to make another one.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Backend {
    /// The fastest one.
    pub(crate) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if avx512_cpuid::get() {
            return Self(Kind::Avx512);
        }
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if avx2_cpuid::get() {
            return Self(Kind::Avx2);
        }
        Self(Kind::Portable)
    }

    /// All of them, for tests that compare them.
    pub fn available() -> impl Iterator<Item = Self> {
        [
            Some(Kind::Portable),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            avx2_cpuid::get().then_some(Kind::Avx2),
            #[cfg(target_arch = "x86_64")]
            avx512_cpuid::get().then_some(Kind::Avx512),
        ]
        .into_iter()
        .flatten()
        .map(Self)
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }

    /// Writes `G(rhs, lhs)` to `out`, or adds it to what is there.
    #[inline(always)]
    pub fn fill(self, rhs: &Block, lhs: &Block, out: &mut Block, add: bool) {
        match self.0 {
            Kind::Portable => portable(rhs, lhs, out, add),
            // SAFETY: a `Backend` of this kind is only made where AVX2 was detected.
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Kind::Avx2 => unsafe { avx2(rhs, lhs, out, add) },
            // SAFETY: a `Backend` of this kind is only made where AVX-512 F and VL were detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::fill(rhs, lhs, out, add) },
        }
    }
}

#[inline(always)]
fn portable(rhs: &Block, lhs: &Block, out: &mut Block, add: bool) {
    let result = Block::compress(rhs, lhs);
    if add {
        *out ^= &result;
    } else {
        *out = result;
    }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[target_feature(enable = "avx2")]
unsafe fn avx2(rhs: &Block, lhs: &Block, out: &mut Block, add: bool) {
    portable(rhs, lhs, out, add);
}

/// A block is sixteen registers; eight of them hold four rows, or four columns, of the permutation.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use core::arch::x86_64::{
        __m512i, _mm512_add_epi64, _mm512_load_si512, _mm512_mul_epu32, _mm512_permutex_epi64,
        _mm512_permutexvar_epi64, _mm512_ror_epi64, _mm512_setr_epi64, _mm512_shuffle_i64x2,
        _mm512_store_si512, _mm512_xor_si512,
    };

    use crate::Block;

    const REGISTERS: usize = Block::SIZE / size_of::<__m512i>();

    #[target_feature(enable = "avx512f,avx512vl")]
    pub(super) fn fill(rhs: &Block, lhs: &Block, out: &mut Block, add: bool) {
        let (rhs, lhs, out) = (start(rhs), start(lhs), core::ptr::from_mut(out).cast::<__m512i>());
        // SAFETY: each pointer points to a block, which is as large as so many registers and aligned
        // like one.
        let load = |from: *const __m512i, i| unsafe { _mm512_load_si512(from.add(i)) };
        let mut r: [__m512i; REGISTERS] =
            core::array::from_fn(|i| _mm512_xor_si512(load(rhs, i), load(lhs, i)));
        let mut q = r;
        if add {
            for (i, r) in r.iter_mut().enumerate() {
                *r = _mm512_xor_si512(*r, load(out, i));
            }
        }
        rows(&mut q[..8]);
        rows(&mut q[8..]);
        columns(&mut q, 0);
        columns(&mut q, 1);
        for i in 0..REGISTERS {
            // SAFETY: as above, and `out` is borrowed for writing.
            unsafe { _mm512_store_si512(out.add(i), _mm512_xor_si512(q[i], r[i])) };
        }
    }

    fn start(block: &Block) -> *const __m512i {
        core::ptr::from_ref(block).cast()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn rows(q: &mut [__m512i]) {
        let ((a0, b0), (c0, d0)) = (halves(q[0], q[2]), halves(q[1], q[3]));
        let ((a1, b1), (c1, d1)) = (halves(q[4], q[6]), halves(q[5], q[7]));
        let [[a0, b0, c0, d0], [a1, b1, c1, d1]] = round([[a0, b0, c0, d0], [a1, b1, c1, d1]]);
        ((q[0], q[2]), (q[1], q[3])) = (halves(a0, b0), halves(c0, d0));
        ((q[4], q[6]), (q[5], q[7])) = (halves(a1, b1), halves(c1, d1));
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn columns(q: &mut [__m512i; REGISTERS], i: usize) {
        let ((a0, a1), (b0, b1)) = (quarters(q[i], q[i + 2]), quarters(q[i + 4], q[i + 6]));
        let ((c0, c1), (d0, d1)) = (quarters(q[i + 8], q[i + 10]), quarters(q[i + 12], q[i + 14]));
        let [[a0, b0, c0, d0], [a1, b1, c1, d1]] = round([[a0, b0, c0, d0], [a1, b1, c1, d1]]);
        ((q[i], q[i + 2]), (q[i + 4], q[i + 6])) = (unquarters(a0, a1), unquarters(b0, b1));
        ((q[i + 8], q[i + 10]), (q[i + 12], q[i + 14])) = (unquarters(c0, c1), unquarters(d0, d1));
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn halves(x: __m512i, y: __m512i) -> (__m512i, __m512i) {
        (_mm512_shuffle_i64x2::<0b01_00_01_00>(x, y), _mm512_shuffle_i64x2::<0b11_10_11_10>(x, y))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn quarters(x: __m512i, y: __m512i) -> (__m512i, __m512i) {
        let (x, y) = halves(x, y);
        (middle_swapped(x), middle_swapped(y))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn unquarters(x: __m512i, y: __m512i) -> (__m512i, __m512i) {
        halves(middle_swapped(x), middle_swapped(y))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn middle_swapped(x: __m512i) -> __m512i {
        _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 1, 4, 5, 2, 3, 6, 7), x)
    }

    /// The permutation P on each of four rows: two lie side by side in each group of registers.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn round(groups: [[__m512i; 4]; 2]) -> [[__m512i; 4]; 2] {
        let [x, y] = groups;
        let (x, y) = (half_round(x), half_round(y));
        let (x, y) = (diagonal(x), diagonal(y));
        let (x, y) = (half_round(x), half_round(y));
        [undiagonal(x), undiagonal(y)]
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn half_round([mut a, mut b, mut c, mut d]: [__m512i; 4]) -> [__m512i; 4] {
        a = multiply_add(a, b);
        d = _mm512_ror_epi64::<32>(_mm512_xor_si512(d, a));
        c = multiply_add(c, d);
        b = _mm512_ror_epi64::<24>(_mm512_xor_si512(b, c));
        a = multiply_add(a, b);
        d = _mm512_ror_epi64::<16>(_mm512_xor_si512(d, a));
        c = multiply_add(c, d);
        b = _mm512_ror_epi64::<63>(_mm512_xor_si512(b, c));
        [a, b, c, d]
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn multiply_add(x: __m512i, y: __m512i) -> __m512i {
        let product = _mm512_mul_epu32(x, y);
        _mm512_add_epi64(_mm512_add_epi64(x, y), _mm512_add_epi64(product, product))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn diagonal([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        [
            a,
            _mm512_permutex_epi64::<0b00_11_10_01>(b),
            _mm512_permutex_epi64::<0b01_00_11_10>(c),
            _mm512_permutex_epi64::<0b10_01_00_11>(d),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn undiagonal([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        [
            a,
            _mm512_permutex_epi64::<0b10_01_00_11>(b),
            _mm512_permutex_epi64::<0b01_00_11_10>(c),
            _mm512_permutex_epi64::<0b00_11_10_01>(d),
        ]
    }
}
