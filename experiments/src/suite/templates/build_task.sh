#!/usr/bin/env bash
# Usage: ./scripts/build_task.sh SUBMISSION
#
# Links every stage of the submission to the program bin/cipherlab, which acts by the name that it is called by. With
# CIPHERLAB_SOURCE=FOLDER the program is first built from its sources there. The harness skips a stage that is missing
# without a word, so this script fails if one is.
set -euo pipefail
task=${1:?usage: build_task.sh SUBMISSION}
program="$task/bin/cipherlab"

if [[ -n "${CIPHERLAB_SOURCE:-}" ]]; then
    cargo build --release --manifest-path "$CIPHERLAB_SOURCE/Cargo.toml"
    mkdir -p "$task/bin"
    cp "${CARGO_TARGET_DIR:-$CIPHERLAB_SOURCE/target}/release/cipherlab" "$program"
fi
if ! version=$("$program" --version); then
    echo "error: $program does not run here; set CIPHERLAB_SOURCE to its sources to build it" >&2
    exit 1
fi

mkdir -p "$task/build"
for stage in @STAGES@; do
    ln -sf ../bin/cipherlab "$task/build/$stage"
    if [[ ! -x "$task/build/$stage" ]]; then
        echo "error: $task/build/$stage was not built" >&2
        exit 1
    fi
done
echo "[build_task] $version: all stages are in $task/build"
