#!/usr/bin/env bash
# Checks and measures on a GPU, in under nine minutes: bash run.sh [OUT_FOLDER]
#
# Every step has a time limit of its own and writes JSON into the folder (default: results); summary.json has one
# line per step. The exit code is 0 when every step passed. Nothing is installed, nothing outside the two folders is
# written, and the card's settings are left as they are.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$PWD/results}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gzip -dc "$here/node.gz" > "$work/node" && chmod +x "$work/node" || exit 1
chmod +x "$here/simt_conformance"
export PATH="$work:$PATH" FUSED_ATTENTION_TEST_DEVICES=cuda:0
cd "$here/package"

nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,power.draw,power.limit,temperature.gpu --format=csv \
  > "$out/card.csv" 2>&1
failed=0
: > "$work/steps"

# step NAME SECONDS COMMAND…: runs it, keeps the end of what it printed, notes how it ended.
step() {
  local name=$1 seconds=$2 begun=$SECONDS code
  shift 2
  echo "== $name"
  timeout -k 5 "$seconds" "$@" > "$work/$name.log" 2>&1
  code=$?
  tail -n 25 "$work/$name.log"
  if [ $code -ne 0 ]; then
    failed=1
    { echo "== $name ended with $code"; tail -c 20000 "$work/$name.log"; } >> "$out/failures.log"
  fi
  echo "{\"step\": \"$name\", \"exit\": $code, \"seconds\": $((SECONDS - begun))}" >> "$work/steps"
  { echo "["; paste -sd, "$work/steps"; echo "]"; } > "$out/summary.json"
}

suites=$(ls test/parity/*.test.js)

step info 15 node -e 'const { cudaStatus, devices } = require("./lib/index.js"); const s = cudaStatus();
  console.log(JSON.stringify(s)); if (!s.available) process.exit(1);'
step conformance 40 sh -c "'$here/simt_conformance' > '$out/conformance.jsonl'"
step parity 130 node "$here/run-tests.mjs" "$out/parity.json" $suites
step repeat 30 node "$here/repeat.mjs" "$out/repeat.json"
# One process and few calls: the checker makes everything some fifty times slower.
step memcheck 70 compute-sanitizer --tool memcheck --error-exitcode 9 "$work/node" "$here/sample.mjs"
step racecheck 50 compute-sanitizer --tool racecheck --error-exitcode 9 "$work/node" "$here/sample.mjs"
step queueing 20 node "$here/queueing.mjs" "$out/queueing.json"
step torch 170 python3 "$here/versus_torch.py" --library "$here/libfattn_kernels.so" --out "$out/versus-torch.json"

cat "$out/summary.json"
exit $failed
