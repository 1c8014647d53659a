#!/usr/bin/env bash
# Writes a model for each line of `commands` that has none yet, and what it gives. AE names the program.
set -euo pipefail
cd "$(dirname "$0")"
AE="${AE:-../../../../target/release/ae}"
grep -v '^#' commands | while IFS='|' read -r name rows how; do
    name="$(echo $name)"
    [ -e "$name.ae" ] && continue
    # shellcheck disable=SC2086
    "$AE" train $rows $how --epochs 3 --batch 16 --seed 5 --threads 2 --quiet -o "$name.ae" >/dev/null
    "$AE" encode "$name.ae" $rows --quiet -o "$name.codes.npy" >/dev/null
    "$AE" reconstruct "$name.ae" $rows --quiet -o "$name.rebuilt.npy" >/dev/null || true
    "$AE" generate "$name.ae" -n 4 --quiet -o "$name.generated.npy" >/dev/null
    "$AE" score "$name.ae" $rows --quiet -o "$name.scores.csv" >/dev/null
    if [ "$name" = classifier ]; then "$AE" classify "$name.ae" $rows --quiet -o "$name.classes.csv" >/dev/null; fi
done
