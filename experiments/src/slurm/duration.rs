//! Slurm's durations: minutes, `MM:SS`, `HH:MM:SS`, `D-HH`, `D-HH:MM`, `D-HH:MM:SS`.

use anyhow::{Context, Result, ensure};

/// Reads a duration as `sbatch --time` takes it. Returns its seconds.
///
/// # Errors
/// A text that is no duration, or one of no length.
pub(crate) fn read(text: &str) -> Result<u64> {
    let wanted = "wanted minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS, such as 4:00:00";
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days), rest),
        None => (None, text),
    };
    let digits = |text: &str| text.len() <= 6 && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = rest.split(':').chain(days).map(|part| part.parse::<u64>().ok().filter(|_| digits(part)));
    let mut parts = parts.collect::<Option<Vec<u64>>>().context(wanted)?;
    let days = if days.is_some() { parts.pop().unwrap_or_default() } else { 0 };
    let seconds = match (text.contains('-'), &parts[..]) {
        (true, [hours]) => hours * 3600,
        (true, [hours, minutes]) => hours * 3600 + minutes * 60,
        (false, [minutes]) => minutes * 60,
        (false, [minutes, seconds]) => minutes * 60 + seconds,
        (_, [hours, minutes, seconds]) => hours * 3600 + minutes * 60 + seconds,
        _ => anyhow::bail!(wanted),
    };
    let seconds = seconds + days * 86400;
    ensure!(seconds > 0, wanted);
    Ok(seconds)
}

/// Writes seconds as `D-HH:MM:SS`, rounded up to a minute.
pub(crate) fn write(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil().max(1.0) as u64;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    format!("{days}-{hours:02}:{minutes:02}:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_slurm_reads_them() {
        let known = [
            ("90", 5400),
            ("2:30", 150),
            ("4:00:00", 14400),
            ("1-12", 129_600),
            ("1-0:30", 88_200),
            ("0-00:00:01", 1),
            ("2-01:00:05", 176_405),
        ];
        known.iter().for_each(|&(text, seconds)| assert_eq!(read(text).unwrap(), seconds, "{text}"));
        for text in ["", "0", "4h", "1:2:3:4", "1-", "-1", "1-2:3:4:5", "1.5", "+3", "00:00", "99999999999999999999"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_written_duration_is_read_again() {
        for (seconds, text) in [(1.0, "0-00:01:00"), (3600.0, "0-01:00:00"), (90_061.0, "1-01:02:00")] {
            assert_eq!(write(seconds), text);
            assert!(read(text).unwrap() as f64 >= seconds);
        }
    }
}
