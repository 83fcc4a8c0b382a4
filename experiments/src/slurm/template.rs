//! The template: lines that a site adds to every script.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// The longest template in bytes.
const LONGEST: usize = 64 << 10;
/// Options of the scripts that tasks depend on.
const OURS: [&str; 11] =
    ["--array", "-a", "--job-name", "-J", "--output", "-o", "--error", "-e", "--chdir", "-D", "--no-requeue"];

/// Reads a template: lines such as `#SBATCH --account=mine`, then commands such as `module load`. A comment may stand
/// anywhere.
///
/// # Errors
/// A file that is no text or too long, a `#SBATCH` line after a command, which `sbatch` would ignore, or one with an option that
/// the scripts set themselves.
pub(crate) fn read(path: &Path) -> Result<String> {
    let place = || format!("--template {}", path.display());
    ensure!(path.is_file(), "{}: found no such file, wanted lines for sbatch", place());
    let length = path.metadata().with_context(place)?.len();
    ensure!(length <= LONGEST as u64, "{}: found {length} bytes, wanted at most {LONGEST}", place());
    let text = std::fs::read_to_string(path).with_context(place)?;
    check(&text).with_context(place)?;
    Ok(text)
}

fn check(text: &str) -> Result<()> {
    let mut command = None;
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_end())) {
        if let Some(option) = line.strip_prefix("#SBATCH") {
            if let Some(command) = command {
                bail!(
                    "line {number}: found #SBATCH after the command in line {command}, wanted it before, or sbatch ignores it"
                );
            }
            let name = option.trim().split(['=', ' ']).next().unwrap_or_default();
            ensure!(
                name.starts_with('-'),
                "line {number}: found '{line}', wanted #SBATCH and an option, such as --account=…"
            );
            ensure!(
                !OURS.contains(&name),
                "line {number}: found {name}, which the scripts set themselves; delete the line"
            );
        } else if !line.is_empty() && !line.starts_with('#') {
            command.get_or_insert(number);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_before_commands_and_leave_ours_alone() {
        assert!(check("# A site.\n#SBATCH --account=me\n\n#SBATCH -C zen5\nmodule load x\n# so\n").is_ok());
        assert!(check("").is_ok());
        let error = |text: &str| check(text).unwrap_err().to_string();
        assert!(
            error("module load x\n#SBATCH --qos=low\n").contains("line 2: found #SBATCH after the command in line 1")
        );
        assert!(error("#SBATCH --array=1-3\n").contains("line 1: found --array, which"));
        assert!(
            error("#\n#SBATCH account\n").contains("line 2: found '#SBATCH account', wanted #SBATCH and an option")
        );
    }
}
