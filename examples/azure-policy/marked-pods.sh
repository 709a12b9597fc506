#!/usr/bin/env bash
# Prints the Azure Policy definition that carries marked-pods-template.yaml, for
#   az policy definition create --name nodeproof-marked-pods --mode Microsoft.Kubernetes.Data --rules RULES --params PARAMETERS
# whose RULES and PARAMETERS are .properties.policyRule and .properties.parameters of it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
jq -n --arg template "$(base64 -w0 "$here/marked-pods-template.yaml")" '{properties: {
  displayName: "Pods of named namespaces ask for a Nodeproof policy",
  description: "Refuses pods without annotation nodeproof.dev/policy in the namespaces that the assignment names.",
  mode: "Microsoft.Kubernetes.Data",
  metadata: {category: "Kubernetes", version: "1.0.0"},
  parameters: {
    effect: {type: "String", allowedValues: ["Audit", "Deny", "Disabled"], defaultValue: "Audit"},
    namespaces: {type: "Array", metadata: {displayName: "Namespaces whose pods must carry the annotation"}},
    excludedNamespaces: {type: "Array", defaultValue: ["kube-system", "gatekeeper-system", "azure-arc"]},
    policies: {type: "Array", defaultValue: [], metadata: {displayName: "Policies that a pod may name; empty for any"}}},
  policyRule: {
    if: {field: "type", in: ["Microsoft.ContainerService/managedClusters"]},
    then: {
      effect: "[parameters('"'effect'"')]",
      details: {
        templateInfo: {sourceType: "Base64Encoded", content: $template},
        apiGroups: [""],
        kinds: ["Pod"],
        namespaces: "[parameters('"'namespaces'"')]",
        excludedNamespaces: "[parameters('"'excludedNamespaces'"')]",
        values: {policies: "[parameters('"'policies'"')]"}}}}}}'
