# The test bed of tests/cluster, for those of bench/run that measure on it. Sourced.
# shellcheck shell=bash disable=SC2154

# start_testbed: the release's programs on a control plane of their own, which ends with the shell that calls this: with that
# of a function in parentheses.
start_testbed() {
  source "$project/tests/cluster/testbed.sh"
  build_preset release nodeproof-agent nodeproof-webhook nodeproof-emulator nodeproof
  TOOLS=$("$project/tests/cluster/build-tools")
  BIN=$project/build/release/bin
  own_run
  testbed_start >&2
  wait_until 60 "the node to be verified" has_phase "$good" Verified
}

# own_run: RUN, a folder of the calling shell's, which ends with it and all that was spawned there.
own_run() {
  RUN=$(mktemp -d)
  end_all_with $BASHPID "$RUN"
  trap 'end_all "$RUN"; rm -rf "$RUN"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}
