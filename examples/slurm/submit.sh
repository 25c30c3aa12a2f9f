#!/bin/bash
# Downloads on this node, then exports as an array job, then completes and checks the result. Run it on a login node:
#   PCAM_DIR=/shared/pcam OUT=/shared/pcam-shards FORMAT=png PARTS=16 examples/slurm/submit.sh
# Set SCRATCH=1 to write on each node's own disk first. The environment goes to the jobs as it is, PCAM too: the
# command to run, such as /shared/bin/pcam.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

export PCAM=${PCAM:-pcam}
export PCAM_DIR=${PCAM_DIR:-$PWD/pcam}
export FORMAT=${FORMAT:-png}
export OUT=${OUT:-$PWD/pcam-$FORMAT}
export PARTS=${PARTS:-8}

# Once, where there is a way out of the cluster. What is there and right is not fetched again.
if [ "${DOWNLOAD:-1}" = 1 ]; then "$PCAM" download; fi
mkdir -p "$OUT"

script=export.sbatch
if [ "${SCRATCH:-0}" = 1 ]; then script=export-scratch.sbatch; fi
array=$(sbatch --parsable --array="1-$PARTS" "$here/$script")
finish=$(sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes "$here/finish.sbatch")
echo "array job $array, then $finish"
