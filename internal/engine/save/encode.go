// SPDX-License-Identifier: Apache-2.0

package save

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// encoder encodes the states of one operation. Of a resource that is as it was in the last state it copies the text.
type encoder struct {
	stack tokens.QName
	last  map[string]encoded
}

type encoded struct {
	resource apitype.ResourceV3
	text     []byte
}

// encode returns a state as Pulumi's backend writes it, but with the resources behind everything else.
func (e *encoder) encode(d apitype.TypedDeployment) ([]byte, error) {
	rest := *d.Deployment
	rest.Resources = nil
	checkpoint, err := compact(apitype.CheckpointV3{Stack: e.stack, Latest: &rest})
	if err != nil {
		return nil, err
	}
	head, err := compact(apitype.VersionedCheckpoint{Version: d.Version, Features: d.Features, Checkpoint: checkpoint})
	if err != nil {
		return nil, err
	}
	const end = "}}}" // of the deployment, of the checkpoint in which it is the last field, and of all
	out := bytes.NewBuffer(bytes.TrimSuffix(head, []byte(end)))
	next := make(map[string]encoded, len(d.Deployment.Resources))
	for i, r := range d.Deployment.Resources {
		key := string(r.URN) + "\n" + string(r.ID)
		known, found := e.last[key]
		// The maps of a resource are compared by their place: nobody changes one of an encoded resource.
		if !found || !reflect.DeepEqual(known.resource, r) {
			if known.text, err = compact(r); err != nil {
				return nil, fmt.Errorf("encode %s: %w", r.URN, err)
			}
			known.resource = r
		}
		next[key] = known
		if i == 0 {
			out.WriteString(`,"resources":[`)
		} else {
			out.WriteByte(',')
		}
		out.Write(known.text)
	}
	if len(d.Deployment.Resources) > 0 {
		out.WriteByte(']')
	}
	e.last = next
	out.WriteString(end)
	return out.Bytes(), nil
}

// compact is JSON without the escapes for HTML, as Pulumi writes it.
func compact(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}
