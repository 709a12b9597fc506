// The leanest webhook that one would write in Go: net/http and a struct of the few fields that a
// decision needs. It allows everything; what it costs is reading and answering.
package main

import (
	"encoding/json"
	"errors"

	"nodeproof.dev/bench/peers/internal/serve"
)

type request struct {
	Request *struct {
		UID       string `json:"uid"`
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
		Operation string `json:"operation"`
		Object    struct {
			Metadata struct {
				UID         string            `json:"uid"`
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
			Target struct {
				Name string `json:"name"`
			} `json:"target"`
			Spec struct {
				NodeName string `json:"nodeName"`
			} `json:"spec"`
		} `json:"object"`
	} `json:"request"`
}

type response struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Response   struct {
		UID     string `json:"uid"`
		Allowed bool   `json:"allowed"`
	} `json:"response"`
}

func decide(body []byte) ([]byte, error) {
	var review request
	if err := json.Unmarshal(body, &review); err != nil {
		return nil, err
	}
	if review.Request == nil {
		return nil, errors.New("no request")
	}
	answer := response{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}
	answer.Response.UID = review.Request.UID
	answer.Response.Allowed = true
	return json.Marshal(answer)
}

func main() { serve.Run(decide) }
