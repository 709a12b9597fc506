// A webhook in the shape of controller-runtime: the AdmissionReview by Kubernetes' codec, then its object
// by the same into its Go type. Without controller-runtime's logs, metrics and recovery, so a little
// leaner. It allows everything; what it costs is reading and answering.
package main

import (
	"encoding/json"
	"errors"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"nodeproof.dev/bench/peers/internal/serve"
)

var decoder = newDecoder()

func newDecoder() runtime.Decoder {
	scheme := runtime.NewScheme()
	utilruntime.Must(admissionv1.AddToScheme(scheme))
	utilruntime.Must(corev1.AddToScheme(scheme))
	return serializer.NewCodecFactory(scheme).UniversalDeserializer()
}

func decode(raw []byte, into runtime.Object) error {
	_, _, err := decoder.Decode(raw, nil, into)
	return err
}

func decide(body []byte) ([]byte, error) {
	review := admissionv1.AdmissionReview{}
	if err := decode(body, &review); err != nil {
		return nil, err
	}
	if review.Request == nil {
		return nil, errors.New("no request")
	}
	var object runtime.Object = &corev1.Pod{}
	if review.Request.Kind.Kind == "Binding" {
		object = &corev1.Binding{}
	}
	if err := decode(review.Request.Object.Raw, object); err != nil {
		return nil, err
	}
	return json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Response: &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true},
	})
}

func main() { serve.Run(decide) }
