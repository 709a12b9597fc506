# What a picture of the dashboard was drawn from. Sourced by draw and monitoring_test.
# shellcheck shell=bash disable=SC2154

dashboard=$project/charts/nodeproof/files/dashboard.json
picture=$project/docs/dashboard.svg

# drawn_from: a digest of all that shows in the picture: panels, their places and queries. Not of how they look.
drawn_from() {
  jq -cS '[.panels[] | {title, type, gridPos, targets: [.targets[] | {expr, legendFormat}]}]' "$dashboard" | sha256sum | cut -d' ' -f1
}
