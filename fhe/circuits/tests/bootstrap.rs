//! Bootstrapping in both orders, at small and insecure rings.
#![allow(missing_docs)]

use fhe_circuits::*;
use fhe_ckks::*;
use num_complex::Complex64;

mod common;
use common::Client;

fn literal(order: BootstrapOrder, values: SlotValues, slots: usize) -> BootstrapLiteral {
    let log = slots.trailing_zeros();
    BootstrapLiteral {
        order,
        values,
        slots,
        slots_to_coeffs: vec![log - log / 2, log / 2],
        coeffs_to_slots: vec![log / 2, log - log / 2],
        eval_mod: EvalModLiteral { range: 16, degree: 30, double_angles: 3, arcsine_degree: 3 },
        message_ratio: 256.0,
        input_scale: 2f64.powi(42),
        output_scale: 2f64.powi(42),
    }
}

fn client() -> Client {
    Client::new(10, [vec![50, 42, 42, 42, 42, 42], vec![50; 12]].concat(), 8)
}

#[test]
fn both_orders_at_full_and_sparse_slots() {
    let mut c = client();
    for slots in [512, 256, 64] {
        for order in [BootstrapOrder::Slim, BootstrapOrder::Classic] {
            for values in [SlotValues::Real, SlotValues::Complex] {
                let literal = literal(order, values, slots);
                let evaluator = c.evaluator(&literal.request_keys(&c.params).unwrap());
                let bootstrapper = Bootstrapper::new(&c.params, literal.clone()).unwrap();
                let mut x = c.random_complex(slots);
                if values == SlotValues::Real {
                    x.iter_mut().for_each(|x| *x = x.re.into());
                }
                let a = c.encrypt(&x, literal.input_level(), literal.input_scale);
                let fresh = bootstrapper.bootstrap(&evaluator, &a).unwrap();
                assert_eq!(fresh.level(), literal.output_level(&c.params).unwrap());
                assert!((fresh.scale() / literal.output_scale - 1.0).abs() < 1e-12);
                let precision = Precision::of_complex(&x, &c.secret.decrypt(&fresh)).unwrap();
                println!("{slots} {order:?} {values:?}: {:.2} worst, {:.2} std", precision.worst_bits.unwrap(), -precision.std.log2());
                assert!(precision.worst_bits.unwrap() > 15.0);
                let t = bootstrapper.bootstrap_twice(&evaluator, &a, precision.worst_bits.unwrap() as u32 - 1).unwrap();
                let precision = Precision::of_complex(&x, &c.secret.decrypt(&t)).unwrap();
                println!("   twice: {:.2} worst, {:.2} std", precision.worst_bits.unwrap(), -precision.std.log2());
            }
        }
    }
}
