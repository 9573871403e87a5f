#!/usr/bin/env bash
# Checks and measures on a GPU, in under nine minutes: bash run.sh [OUT_FOLDER]
#
# Every step has a time limit of its own and writes JSON into the folder (default: results); summary.json has one
# line per step, with what it said where it failed. The exit code is 0 when every step passed. Nothing is installed,
# nothing outside the two folders is written, no network is used, and the card's settings are left as they are.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$PWD/results}
mkdir -p "$out" && out=$(cd "$out" && pwd) || { echo "run.sh: cannot write into $out"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Where CUDA keeps compute-sanitizer, after whatever the machine prefers. Another device than cuda:0, such as cpu, is for
# trying the bundle itself.
export PATH="$work:$PATH:${CUDA_HOME:-/usr/local/cuda}/bin"
export FUSED_ATTENTION_TEST_DEVICES=${FUSED_ATTENTION_TEST_DEVICES:-cuda:0}
rm -f "$out"/*.json "$out"/*.jsonl "$out"/*.csv "$out"/failures.log
cp "$here/facts.json" "$out/facts.json"
nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.mem,power.draw,power.limit,temperature.gpu --format=csv \
  > "$out/card.csv" 2>&1
failed=0
: > "$work/steps"

# reason CODE SECONDS LOG: why a step failed, as the inside of a JSON string.
reason() {
  case $1 in
    124 | 137) echo "did not end within $2 s" ;;
    *) { grep -m 3 -iE 'error|fail|needs|cannot|not found|no such' "$3" || tail -n 3 "$3"; } | cut -c 1-400 ;;
  esac | tr '\n\t' '  ' | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g; s/ *$//'
}

# step NAME SECONDS COMMAND…: runs it, keeps the end of what it printed, notes how it ended.
step() {
  local name=$1 seconds=$2 begun=$SECONDS code message=
  shift 2
  echo "== $name"
  timeout -k 5 "$seconds" "$@" > "$work/$name.log" 2>&1
  code=$?
  tail -n 25 "$work/$name.log"
  if [ $code -ne 0 ]; then
    failed=1
    message=$(reason $code "$seconds" "$work/$name.log")
    { echo "== $name ended with $code"; tail -c 20000 "$work/$name.log"; } >> "$out/failures.log"
  fi
  printf '{"step": "%s", "exit": %d, "seconds": %d, "message": "%s"}\n' \
    "$name" $code $((SECONDS - begun)) "$message" >> "$work/steps"
  { echo "["; paste -sd, "$work/steps"; echo "]"; } > "$out/summary.json"
}

# The limits and 5 s per step for one that ignores its end add up to 537 s.
step unpack 15 sh -c "gzip -dc '$here/node.gz' > '$work/node' && chmod +x '$work/node' && '$work/node' --version"
chmod +x "$here/simt_conformance"
cd "$here/package" || exit 1
step info 15 node -e 'const { cudaStatus } = require("./lib/index.js"); const status = cudaStatus();
  console.log(JSON.stringify(status)); if (!status.available) process.exit(1);'
cp "$work/info.log" "$out/info.json"
step conformance 35 sh -c "'$here/simt_conformance' | tee '$out/conformance.jsonl' | grep -v '\"passed\"'
  tail -n 1 '$out/conformance.jsonl' | grep -q '\"status\"' && ! grep -q '\"failed\"' '$out/conformance.jsonl'"
step parity 105 node "$here/run-tests.mjs" "$out/parity.json" test/parity/*.test.js test/gpu/*.test.js
step sharing 12 node "$here/sharing.mjs" "$out/sharing.json"
step repeat 30 node "$here/repeat.mjs" "$out/repeat.json"
# One process and few calls: the checker makes everything some fifty times slower.
step memcheck 55 compute-sanitizer --tool memcheck --error-exitcode 9 "$work/node" "$here/sample.mjs"
step racecheck 40 compute-sanitizer --tool racecheck --error-exitcode 9 "$work/node" "$here/sample.mjs"
step queueing 15 node "$here/queueing.mjs" "$out/queueing.json"
# The comparison of the designs, as `npx fused-attention bench` runs it: CCA and DMA beside our own dense attention.
step designs 40 sh -c "node lib/cli/main.js bench --device $FUSED_ATTENTION_TEST_DEVICES --mode prefill --seq 16384,32768 \\
  --head-dim 128 --designs gqa,cca,ccgqa,window,dma --json '$out/designs-prefill.json' &&
  node lib/cli/main.js bench --device $FUSED_ATTENTION_TEST_DEVICES --mode layer --seq 4096,16384 --head-dim 128 \\
  --json '$out/designs-layer.json'"
step sparse 20 node "$here/sparse.mjs" "$out/sparse.json"
step torch 75 python3 "$here/versus_torch.py" --library "$here/libfattn_kernels.so" --out "$out/versus-torch.json"
# Last, since the card may take a moment to recover.
step loss 15 node "$here/loss.mjs" "$out/loss.json"

cat "$out/summary.json"
exit $failed
