//! Sums of products and of rotations against the clear, at small and insecure rings.
#![allow(missing_docs)]

use fhe_circuits::products::Term;
use fhe_circuits::{RotatedSum, sums_of_products};
use fhe_ckks::*;

mod common;
use common::Client;

/// Values whose plaintexts have `period` slots.
fn periodic(c: &mut Client, slots: usize, period: usize) -> Vec<f64> {
    c.random(period).into_iter().cycle().take(slots).collect()
}

#[test]
fn sums_of_products_of_mixed_periods_and_lengths() {
    // The larger ring takes several chunks and blocks, the longest list several lazy sums.
    for log_n in [9, 14] {
        let mut c = Client::new(log_n, vec![50, 45, 45], 1);
        let slots = c.params.n() / 4;
        let evaluator = c.evaluator(&KeyRequest::default());
        let x: Vec<Vec<f64>> = (0..5).map(|_| c.random(slots)).collect();
        let scale = 2f64.powi(45);
        let factors: Vec<Ciphertext> =
            x.iter().map(|x| c.secret.encrypt_real(x, 2, scale, &mut c.rng).unwrap()).collect();
        let lists: [&[usize]; 4] = [&[0], &[3, 1], &[4, 4, 2, 0, 1], &[0, 1, 2, 3, 4].repeat(4)];
        let mut expected = vec![vec![0.0; slots]; lists.len()];
        let sums: Vec<Vec<Term>> = lists
            .iter()
            .zip(&mut expected)
            .map(|(list, expected)| {
                let terms = list.iter().enumerate().map(|(n, &k)| {
                    let period = if n % 2 == 0 { slots } else { slots / 4 };
                    let w = periodic(&mut c, slots, period);
                    expected.iter_mut().zip(&w).zip(&x[k]).for_each(|((sum, w), x)| *sum += w * x);
                    (k, c.params.encode_real(&w[..period], c.params.prime(2), factors[0].basis()).unwrap())
                });
                terms.collect()
            })
            .collect();
        let found = sums_of_products(&c.params, &factors, &sums).unwrap();
        assert_eq!(found.len(), lists.len());
        for (found, expected) in found.into_iter().zip(&expected) {
            assert_eq!((found.level(), found.scale(), found.slots()), (2, scale * c.params.prime(2), slots));
            let worst = c.worst(&evaluator.rescale(found).unwrap(), |i| expected[i]);
            assert!(worst < 1e-8, "N = 2^{log_n}: {worst:e}");
        }
    }
}

#[test]
fn rotated_sums_are_sums_of_rotations_at_every_level() {
    let mut c = Client::new(10, vec![50, 45, 45, 45], 2);
    for level in 1..=3 {
        let mut request = KeyRequest::default();
        [3, -40].iter().for_each(|&step| request.rotation(&c.params, step, level));
        let evaluator = c.evaluator(&request);
        let slots = 128;
        let x: Vec<Vec<f64>> = (0..4).map(|_| c.random(slots)).collect();
        let mut summand =
            |k: usize| RotatedSum::from(c.secret.encrypt_real(&x[k], level, 2f64.powi(40), &mut c.rng).unwrap());
        let [a, b, c_, d] = [0, 1, 2, 3].map(&mut summand);
        // Two chains that meet, and a step without a summand.
        let chain = a.step(&evaluator, 3, Some(b)).unwrap().step(&evaluator, 3, None).unwrap();
        let other = c_.step(&evaluator, 3, Some(d)).unwrap();
        let found = chain.step(&evaluator, -40, Some(other)).unwrap().finish();
        assert_eq!((found.level(), found.scale(), found.slots()), (level, 2f64.powi(40), slots));
        let at = |k: usize, i: usize, steps: i64| x[k][(i as i64 + steps).rem_euclid(slots as i64) as usize];
        let worst = c.worst(&found, |i| at(0, i, 6 - 40) + at(1, i, 3 - 40) + at(2, i, 3) + at(3, i, 0));
        assert!(worst < 2e-8, "level {level}: {worst:e}");
        assert!(worst > 1e-12, "noise there must be");
    }
}

#[test]
fn a_sum_that_goes_nowhere_is_the_ciphertext_and_a_missing_key_is_named() {
    let mut c = Client::new(9, vec![50, 45], 1);
    let evaluator = c.evaluator(&KeyRequest::default());
    let x = c.random(64);
    let a = c.secret.encrypt_real(&x, 1, 2f64.powi(40), &mut c.rng).unwrap();
    assert!(RotatedSum::from(a.clone()).finish().parts() == a.parts());
    let error = RotatedSum::from(a).step(&evaluator, 5, None).err().unwrap();
    assert!(matches!(error, CkksError::MissingKey { wanted: 1, found: None, .. }), "{error}");
}

#[test]
fn summands_at_different_scales_are_refused() {
    let mut c = Client::new(9, vec![50, 45], 1);
    let mut request = KeyRequest::default();
    request.rotation(&c.params, 3, 1);
    let evaluator = c.evaluator(&request);
    let x = c.random(64);
    let [a, b] = [40, 41].map(|log| c.secret.encrypt_real(&x, 1, 2f64.powi(log), &mut c.rng).unwrap());
    let plain = |log: i32| c.params.encode_real(&x, 2f64.powi(log), a.basis()).unwrap();
    let different = [
        RotatedSum::from(a.clone()).step(&evaluator, 3, Some(b.clone().into())).map(|_| ()),
        sums_of_products(&c.params, &[a.clone(), b], &[vec![(0, plain(45))]]).map(|_| ()),
        sums_of_products(&c.params, std::slice::from_ref(&a), &[vec![(0, plain(45)), (0, plain(44))]]).map(|_| ()),
    ];
    for error in different.map(Result::unwrap_err) {
        assert!(matches!(error, CkksError::ScaleMismatch { .. }), "{error}");
    }
    let own = sums_of_products(&c.params, std::slice::from_ref(&a), &[vec![(0, plain(45))], vec![(0, plain(44))]]);
    assert!(own.is_ok(), "each sum has its own scale");
}

/// Sixteen slots of a large ring repeat more often than a pass over so many factors is long.
#[test]
fn plaintexts_that_repeat_beyond_a_pass() {
    let mut c = Client::new(15, vec![50, 45], 1);
    let (x, w) = (c.random(16), c.random(16));
    let evaluator = c.evaluator(&KeyRequest::default());
    let factor = c.secret.encrypt_real(&x, 1, 2f64.powi(40), &mut c.rng).unwrap();
    let plain = c.params.encode_real(&w, c.params.prime(1), factor.basis()).unwrap();
    let factors = vec![factor; 70];
    let terms: Vec<Term> = (0..factors.len()).map(|k| (k, plain.clone())).collect();
    let mut found = sums_of_products(&c.params, &factors, &[terms]).unwrap();
    let found = evaluator.rescale(found.pop().unwrap()).unwrap();
    let worst = c.worst(&found, |i| 70.0 * w[i] * x[i]);
    assert!(worst < 1e-5, "{worst:e}");
}
