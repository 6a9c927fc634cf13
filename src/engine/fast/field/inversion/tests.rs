//! What a batch of division steps promises, which an inverse shows only where a number overflows.

use super::*;

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The steps one by one, as Bernstein and Yang define them, doubled: `(f, g)` and `eta` after each are said by the lowest bits.
fn one_by_one(mut eta: i32, f: i32, g: i32, steps: usize) -> (i32, [i64; 4]) {
    let (mut f, mut g) = (i64::from(f), i64::from(g));
    let [mut u, mut v, mut q, mut r] = [1, 0, 0, 1];
    for _ in 0..steps {
        if g & 1 == 1 {
            if eta < 0 {
                eta = -eta;
                (f, g, u, v, q, r) = (g, -f, q, r, -u, -v);
            }
            (g, q, r) = (g + f, q + u, r + v);
        }
        (g, u, v) = (g >> 1, 2 * u, 2 * v);
        eta -= 1;
    }
    (eta, [u, v, q, r])
}

#[test]
fn steps_at_once_are_the_steps_one_by_one() {
    let mut state = 0x0123_4567_89ab_cdef;
    let mut next = || random(&mut state);
    let edges = [0, 1, 2, 3, 7, 8, 0x0fff_ffff, 0x1000_0000, 0x1fff_ffff];
    for at in 0..4000 {
        let steps = if at % 2 == 0 { 28 } else { 29 };
        let mut lowest = || match next() {
            seed if seed % 4 == 0 => edges[(seed >> 8) as usize % edges.len()],
            seed => (seed >> 16) as i32 & ((1 << steps) - 1),
        };
        let (f, g) = (lowest() | 1, lowest());
        for eta in [-1, 0, 1, -2, 5, -30, 40] {
            let mut after = eta;
            let Steps { to_f: (u, v), to_g: (q, r) } = Steps::take(&mut after, f, g, steps);
            let most = 1 << steps;
            assert!(u.abs() + v.abs() <= most && q.abs() + r.abs() <= most, "{f} {g} {eta}: {u} {v} {q} {r}");
            assert_eq!((u * r - v * q).abs(), most, "{f} {g} {eta}");
            let [to_f, to_g] = [(u, v), (q, r)].map(|(x, y)| x * i64::from(f) + y * i64::from(g));
            assert_eq!((to_f % most, to_g % most), (0, 0), "{f} {g} {eta}");
            assert_eq!((after, [u, v, q, r]), one_by_one(eta, f, g, steps), "{f} {g} {eta}");
        }
    }
}
