# Cases of measured_boot_test: what nodeproof says of the machines, and of what somebody made of their logs.
# shellcheck shell=bash

# judge NAME LOG QUALIFYING-DATA: the verdict on a machine with this log, as JSON into its folder.
judge() {
  take_apart "$1"
  "$BIN/nodeproof" verify trusted-launch --json --ak-certificate "$RUN/$1/ak.der" --quote "$RUN/$1/quote" \
    --signature "$RUN/$1/signature" --pcrs "$RUN/$1/pcrs.json" --qualifying-data "$3" --event-log "$2" \
    --trust-anchor "$RUN/authority/vtpm-trust-anchors.pem" | tee "$RUN/$1/verdict"
}
outcome() { jq -r ".checks[] | select(.check == \"$2\") | .outcome" "$RUN/$1/verdict"; }
detail() { jq -r ".checks[] | select(.check == \"$2\") | .detail" "$RUN/$1/verdict"; }

# judge_log LOG PCRS: what `verify event-log` says.
judge_log() { "$BIN/nodeproof" verify event-log "$1" --pcrs "$2" | tee "$RUN/said"; }

# edit_once IN OUT PERL: a copy in which the substitution met exactly one place.
edit_once() { perl -0777 -pe "BEGIN { binmode STDIN; binmode STDOUT } \$n = $3; END { exit(\$n != 1) }" <"$1" >"$2"; }
