// Package serve is what both peers have in common: Go's own HTTPS server as an admission webhook uses it.
package serve

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
)

// maxBody is what the API server itself limits a request to.
const maxBody = 3 << 20

// Run listens on a free port of loopback, prints the port, and answers POST /admit with what decide
// makes of the body, for ever. Flags: --cert, --key.
func Run(decide func(body []byte) ([]byte, error)) {
	certFile := flag.String("cert", "", "certificate chain, PEM")
	keyFile := flag.String("key", "", "its private key, PEM")
	flag.Parse()

	certificate, err := tls.LoadX509KeyPair(*certFile, *keyFile)
	if err != nil {
		log.Fatalf("cannot use %s and %s: %v", *certFile, *keyFile, err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{certificate},
		MinVersion:   tls.VersionTLS12,
		// As the API server calls a webhook: HTTP/1.1, and no session is resumed.
		NextProtos:             []string{"http/1.1"},
		SessionTicketsDisabled: true,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatalf("cannot listen on 127.0.0.1: %v", err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: handler(decide), TLSConfig: config}
	log.Fatal(server.Serve(tls.NewListener(listener, config)))
}

func handler(decide func([]byte) ([]byte, error)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /admit", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := decide(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(answer)
	})
	return mux
}
