//! Published minimax compositions.

use super::grid;
use crate::approximation::{ReluComposite, SignComposite, minimax};

/// Odd coefficients of powers, stage by stage, for the precision parameter α of the ReLU: the largest error is 2^−α.
struct Published {
    alpha: f64,
    stages: &'static [&'static [f64]],
}

/// Lee, Lee, Lee, Kim, Kim and No, *Precise Approximation of Convolutional Neural Networks for Homomorphically
/// Encrypted Data* (arXiv 2105.10879), appendix.
const PRECISE: [Published; 4] = [
    Published {
        alpha: 7.0,
        stages: &[
            &[7.30445164958251, -34.6825871108659, 59.8596518298826, -31.8755225906466],
            &[2.40085652217597, -2.63125454261783, 1.54912674773593, -0.331172956504304],
        ],
    },
    Published {
        alpha: 8.0,
        stages: &[
            &[8.83133072022416, -46.4575039895512, 83.0282234720408, -44.992847782807],
            &[
                3.94881885083263,
                -12.9103010992282,
                28.0865362174658,
                -35.5969148965137,
                26.5159370881337,
                -11.4184889368449,
                2.62558443881334,
                -0.249172299998642,
            ],
        ],
    },
    Published {
        alpha: 10.0,
        stages: &[
            &[10.8541842577442, -62.2833925211098, 114.369227820443, -62.8023496973074],
            &[4.13976170985111, -5.84997640211679, 2.9437625565928, -0.454530437460152],
            &[
                3.29956739043733,
                -7.84227260291355,
                12.8907764115564,
                -12.4917112584486,
                6.94167991428074,
                -2.04298067399942,
                0.246407138926031,
            ],
        ],
    },
    // As the implementation of ePrint 2021/1688 evaluates it.
    Published {
        alpha: 13.0,
        stages: &[
            &[
                24.55894154250046,
                -669.6604497168944,
                6672.9984830133935,
                -30603.665616389873,
                73188.40329877878,
                -94443.32170500845,
                62325.40942125468,
                -16494.6744117806,
            ],
            &[
                9.356256360354397,
                -59.16389639336264,
                148.8609306264484,
                -175.81287487858293,
                109.11129968595543,
                -36.67688399787556,
                6.318462903112941,
                -0.43711341508217766,
            ],
            &[
                5.078135697588613,
                -30.73299181371868,
                144.10974681280942,
                -459.66168882614255,
                1021.5206447045967,
                -1620.5625670887703,
                1864.6764641657026,
                -1567.493008771435,
                960.9703090934222,
                -424.32616187164666,
                131.27850925600367,
                -26.981257662611583,
                3.3065138731556503,
                -0.182742944627534,
            ],
        ],
    },
];

/// The width by which the authors extended the intervals of later stages. Without it the slope at their ends differs.
const MARGIN: f64 = 1.0 / (1 << 22) as f64;

fn odd_powers(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x * x + c) * x
}

/// Returns the least x at which a published first stage is within its error of 1. The error is that at x = 1.
fn threshold(first: &[f64]) -> f64 {
    let wanted = 1.0 - (odd_powers(first, 1.0) - 1.0).abs();
    let step = 1e-4;
    let above = (1..).map(|k| f64::from(k) * step).find(|&x| odd_powers(first, x) > wanted).unwrap();
    let (mut lo, mut hi) = (above - step, above);
    for _ in 0..60 {
        let middle = (lo + hi) / 2.0;
        *(if odd_powers(first, middle) > wanted { &mut hi } else { &mut lo }) = middle;
    }
    hi
}

#[test]
fn the_published_polynomials_are_ours() {
    for Published { alpha, stages } in PRECISE {
        let degrees: Vec<usize> = stages.iter().map(|c| 2 * c.len() - 1).collect();
        let threshold = threshold(stages[0]);
        let (mut lo, mut hi) = (threshold, 1.0);
        for (&degree, theirs) in degrees.iter().zip(stages) {
            let ours = minimax(f64::signum, degree, &[(-hi, -lo), (lo, hi)]).unwrap();
            for x in grid(-hi, hi, 1000) {
                let (found, wanted) = (ours.series.evaluate(x), odd_powers(theirs, x));
                assert!((found - wanted).abs() < 1e-8, "α = {alpha}: {found} at {x}, published {wanted}");
            }
            (lo, hi) = (1.0 - ours.error - MARGIN, 1.0 + ours.error + MARGIN);
        }
        let sign = SignComposite::with_threshold(&degrees, threshold, 0.0).unwrap();
        // They have the precision that they are published for; the best threshold gives less than a tenth of a bit
        // more.
        let theirs = ReluComposite::new(sign).precision();
        let best = ReluComposite::best(&degrees, 0.0).unwrap().precision();
        assert!(theirs >= alpha && best >= theirs && best < theirs + 0.1, "α = {alpha}: {theirs} bits, best {best}");
    }
}

#[test]
fn the_default_of_lattigo() {
    // Lattigo 6, `DefaultCompositePolynomialForSign`: 2^-30 told apart, noise of 2^-35, 21.926741 bits; Chebyshev
    // coefficients, each stage divided by the reach of the next.
    let first = [
        0.6371462957672044,
        -0.21380324606107654,
        0.13004393038356646,
        -0.09488427565661911,
        0.07604178116189399,
        -0.06477148209208175,
        0.057790441121195905,
        -0.5275634328386104,
    ];
    let last = [
        1.2654405107323938,
        -0.401542750244362,
        0.218210934826564,
        -0.13416925401774668,
        0.08522828548253047,
        -0.053904380724826506,
        0.033261156015909274,
        -0.01974190829263371,
        0.011136870875857453,
        -0.005899020501146631,
        0.002892586120147925,
        -0.0012889673944941461,
        0.0005081425552893727,
        -0.0001696330470066833,
        0.0000440808328172753,
        -0.0000071549240608255,
    ];
    let degrees = [15, 15, 15, 17, 31, 31, 31, 31];
    let sign = SignComposite::with_threshold(&degrees, 2f64.powi(-30), 2f64.powi(-35)).unwrap();
    // A threshold of 1e-9 is told from the rounding of f64 to seven digits.
    assert!((-sign.error().log2() - 21.926741).abs() < 1e-5, "{}", -sign.error().log2());
    let close = |stage: usize, reach: f64, wanted: &[f64], tolerance: f64| {
        let found = sign.stages[stage].coefficients.iter().skip(1).step_by(2).map(|c| c / reach);
        for (found, wanted) in found.zip(wanted) {
            assert!((found - wanted).abs() < tolerance, "stage {stage}: {found}, published {wanted}");
        }
    };
    close(0, sign.stages[1].hi, &first, 1e-12);
    close(7, 1.0, &last, 1e-6);
}
