//! cipherlab: measures the memory, time and precision that it costs to classify an encrypted image.
//!
//! The library holds the program: one module a command under `cmd`, the sweep under `run`, the tables and figures under
//! `report`. [`records`] is the format of the files that a run leaves on disk, [`contract`] what the FHE Benchmarking Suite
//! asks of the programs that it calls, and [`roles`] holds client and server as programs.

mod bench;
mod calibrate;
mod card;
mod case;
mod claim;
mod classify;
mod cli;
mod cmd;
mod config;
mod constants;
pub mod contract;
mod files;
mod images;
mod layers;
mod machine;
mod measurements;
mod outlook;
mod output;
mod page;
mod plan;
mod prediction;
mod profiling;
mod progress;
pub mod records;
mod report;
pub mod roles;
mod run;
mod search;
mod secrecy;
mod serving;
mod session;
mod simulation;
mod slurm;
mod suite;
mod supervise;
mod verdict;

pub use cli::main;
