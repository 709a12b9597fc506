#!/usr/bin/env python3
"""Gives a pod the key that it unwraps payment keys with, once the pod's node has proven itself to this program.

POST /key with `Authorization: Bearer TOKEN`, a ServiceAccount token of audience key-broker, bound to the pod. The API server says whose
token it is and on which node the pod runs; `nodeproof verify node` judges that node's evidence here, whatever any label says. The key is
derived from the root key and the pod's ServiceAccount (HKDF, RFC 5869), so one account cannot ask for another's.

What stays open: the age of the quote is known to the webhook alone, which holds the epoch key, so this program also requires
that the webhook calls the node Verified and not yet expired. Who controls the API server can lie about both token and age;
against that, ask the node for a quote over a challenge of your own.
"""
import argparse
import base64
import datetime
import hashlib
import hmac
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
NODE_CLAIM = "authentication.kubernetes.io/node-name"


class Refused(Exception):
    """Why no key is given; goes to whoever asked."""


class Api:
    """The few calls to the API server, as this pod's ServiceAccount."""

    def __init__(self, server, ca, token):
        self.server, self.token = server, token
        self.tls = ssl.create_default_context(cafile=ca)

    def call(self, path, body=None):
        request = urllib.request.Request(self.server + path, data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", "Bearer " + self.token.read_text().strip())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, context=self.tls, timeout=5) as answer:
            return json.load(answer)

    def caller(self, token):
        """(namespace/name of the ServiceAccount, node of the pod) of a token that is valid now."""
        spec = {"token": token, "audiences": ["key-broker"]}
        review = self.call("/apis/authentication.k8s.io/v1/tokenreviews",
                           {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec})
        status = review.get("status", {})
        if not status.get("authenticated") or "key-broker" not in status.get("audiences", []):
            raise Refused("the token is not valid for this broker")
        user = status["user"]
        prefix, kind, *rest = user["username"].split(":")
        if (prefix, kind, len(rest)) != ("system", "serviceaccount", 2):
            raise Refused("the token is not a ServiceAccount's")
        nodes = user.get("extra", {}).get(NODE_CLAIM, [])
        if len(nodes) != 1:
            raise Refused("the token is not bound to a pod on a node")
        return "/".join(rest), nodes[0]

    def proof(self, node):
        """What `nodeproof verify node -f -` reads, and what the webhook says of the node."""
        ours = "/apis/nodeproof.dev/v1alpha1/"
        try:
            items = [self.call(path + node) for path in
                     ("/api/v1/nodes/", ours + "nodeevidences/", ours + "nodequotes/")]
            return {"apiVersion": "v1", "kind": "List", "items": items}, self.call(ours + "nodeattestations/" + node)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            raise Refused(f"the node does not prove itself: nothing is published at {error.url}") from error


def verify(objects, arguments):
    """Judged here, from the evidence alone."""
    run = subprocess.run(["nodeproof", "verify", "node", "-f", "-", "--json", *arguments], input=json.dumps(objects),
                         capture_output=True, text=True, timeout=20, check=False)
    if run.returncode == 0:
        return
    try:
        failed = [check for check in json.loads(run.stdout)["checks"] if check["outcome"] == "failed"]
        reason = "; ".join(f"{check['check']}: {check['detail']}" for check in failed)
    except (ValueError, KeyError):
        reason = run.stderr.strip()
    raise Refused("the node does not prove itself: " + reason)


def require_fresh(attestation, now):
    status = attestation.get("status", {})
    if status.get("phase") != "Verified":
        raise Refused(f"the node is {status.get('phase', 'not judged')}: {status.get('detail', '')}")
    expires = datetime.datetime.fromisoformat(status["expiresAt"].replace("Z", "+00:00"))
    if expires <= now:
        raise Refused("the node's proof has expired")


def hkdf(root, info):
    """RFC 5869 with SHA-256, no salt, 32 bytes."""
    extracted = hmac.new(bytes(32), root, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200 if self.path == "/healthz" else 404, {})

    def do_POST(self):
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if self.path != "/key" or scheme != "Bearer":
            return self.answer(404, {"error": "POST /key with a Bearer token"})
        try:
            self.answer(200, {"key": base64.b64encode(self.server.key_for(token)).decode()})
        except Refused as reason:
            self.answer(403, {"error": str(reason)})
        except (urllib.error.URLError, subprocess.TimeoutExpired, KeyError, ValueError) as reason:
            self.answer(503, {"error": f"nothing can be verified now: {reason}"})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)


class Broker(http.server.ThreadingHTTPServer):
    def __init__(self, options):
        super().__init__(("", options.port), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate, options.key)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.api = Api(options.server, options.ca, options.token)
        self.root = options.root.read_bytes()
        if len(self.root) < 32:
            sys.exit(f"{options.root} holds {len(self.root)} bytes; a root key has at least 32")
        self.allow, self.verify_arguments = options.allow, options.verify

    def key_for(self, token):
        account, node = self.api.caller(token)
        if account not in self.allow:
            raise Refused(f"ServiceAccount {account} gets no key here")
        objects, attestation = self.api.proof(node)
        verify(objects, self.verify_arguments)
        require_fresh(attestation, datetime.datetime.now(datetime.timezone.utc))
        return hkdf(self.root, account.encode())


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, required=True, help="file with the root key")
    parser.add_argument("--certificate", required=True, help="PEM chain to serve")
    parser.add_argument("--key", required=True, help="its private key, PEM")
    parser.add_argument("--allow", action="append", required=True, metavar="NAMESPACE/NAME", help="ServiceAccount that gets a key")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--server", default="https://kubernetes.default.svc", help="the API server")
    parser.add_argument("--ca", default=ACCOUNT / "ca.crt", help="its CA, PEM")
    parser.add_argument("--token", type=pathlib.Path, default=ACCOUNT / "token")
    parser.add_argument("--verify", action="append", default=[], metavar="ARGUMENT", help="passed on to nodeproof verify node")
    return parser.parse_args()


if __name__ == "__main__":
    Broker(options()).serve_forever()
