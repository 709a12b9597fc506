# What test programs in bash share: a folder for the run, cases, their results. Sourced, never run.
# A case is a function case_NAME; it fails when one of its commands does. `cases` names those to run, in order.
# shellcheck shell=bash

failures=()

# report TEXT: of a case, what it measured; told with its line when it passes.
report() { printf '%s\n' "$*" >>"$RUN/report"; }

# begin_run NAME: makes RUN, a folder for this run, and ends what was spawned there, and the script's own jobs,
# when the script ends. The folder is kept, and named, when the script fails.
begin_run() {
  RUN=$(mktemp -d "${TMPDIR:-/tmp}/nodeproof-$1.XXXXXX")
  end_all_with $$ "$RUN"
  trap finish_run EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
}

finish_run() {
  local status=$? job
  trap '' INT TERM HUP
  for job in $(jobs -p); do kill "$job" 2>/dev/null; done
  end_all "$RUN"
  if ((status == 0)); then rm -rf "$RUN"; else say "kept: $RUN"; fi
}

# A command of its own, so that a case ends at its first command that fails: within a condition bash
# would go on.
run_case() (
  set -e
  "case_$1"
)

run() {  # run NAME: one line when it passes, its whole output when not
  local started=$SECONDS status
  : >"$RUN/report"
  run_case "$1" >"$RUN/output" 2>&1
  status=$?
  if ((status == 0)); then
    say "ok      $1 ($((SECONDS - started)) s)$(sed 's/^/: /' "$RUN/report")"
  else
    say "FAILED  $1 ($((SECONDS - started)) s)"
    sed 's/^/        /' "$RUN/output" >&2
    failures+=("$1")
  fi
}

# run_cases: all of them, and a line that counts them; fails when one did. Never to be called in a condition,
# for the reason above.
run_cases() {
  local name
  for name in "${cases[@]}"; do run "$name"; done
  say "$((${#cases[@]} - ${#failures[@]})) cases passed, ${#failures[@]} failed"
  ((${#failures[@]} == 0))
}

# write_results FILE NAME [RESULT]: what each case did, as GoogleTest writes it; RESULT is `completed` or `skipped`.
write_results() {
  local name result=${3:-completed}
  mkdir -p "$(dirname "$1")"
  {
    echo "<testsuites tests=\"${#cases[@]}\" failures=\"${#failures[@]}\" name=\"$2\">"
    for name in "${cases[@]}"; do
      if [[ " ${failures[*]} " == *" $name "* ]]; then
        echo "  <testcase name=\"$name\" result=\"$result\"><failure/></testcase>"
      else
        echo "  <testcase name=\"$name\" result=\"$result\"/>"
      fi
    done
    echo '</testsuites>'
  } >"$1"
}
