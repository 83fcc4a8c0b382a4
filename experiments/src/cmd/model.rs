//! `model`: prepares networks of a user.

mod card;
mod import;
mod network;
mod ranges;

use anyhow::Result;

/// Arguments of `model`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Reads a checkpoint, says what it found, and writes weights and a card that every command takes.
    ///
    /// Read are ResNets of basic blocks for 32 x 32 pixels: ResNet-(6n+2) and networks of other numbers of stages, blocks
    /// and channels, with one to three input channels and 2 to 1,000 classes, with PyTorch's names or those of common
    /// repositories. The file is safetensors, or a checkpoint of PyTorch (.pth, .pt): a network, its state_dict, or a
    /// dictionary with one of these in it, such as {'net': …, 'epoch': …}. No code in a checkpoint is run.
    ///
    /// The tensors are copied as they are: batch norm is folded when they are read. Ranges of activations come from
    /// --train, else from CIFAR-10's training images if `datasets fetch` brought them, else from 100 embedded test images.
    /// The accuracy comes from --test, else, without --train, for ten classes from CIFAR-10's test images. At the end stand
    /// the cheapest cases that keep the network's classes in cleartext.
    Import(import::Args),
    /// Writes the model card of a network trained with ReLU: its normalisation as given, the ranges of its activations,
    /// its accuracy and a bound on its logits as measured.
    ///
    /// Ranges come from the training images and the accuracy from the test images, if `datasets fetch` brought them;
    /// else both come from the 100 embedded test images, and the card says so.
    Card(card::Args),
    /// Measures the ranges of activations on training images, and writes a card with them: `calibrate-ranges`.
    ///
    /// The new card is the given one with other ranges and another bound on logits.
    #[command(visible_alias = "calibrate-ranges")]
    Ranges(ranges::Args),
}

/// Runs `model`.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Import(args) => import::run(args),
        Command::Card(args) => card::run(args),
        Command::Ranges(args) => ranges::run(args),
    }
}
