// SPDX-License-Identifier: Apache-2.0

package account

import (
	"emrflink/internal/localcloud/awserror"
	"strings"
)

// tagKinds are single tags on resources that somebody else manages. Setting a tag that is there overwrites it, as EC2
// does; the tag's former value does not come back.
func tagKinds() map[Kind]*spec {
	return map[Kind]*spec{
		KindResourceTag: {
			missing: func(id string) *awserror.Error { return awserror.Bad("InvalidTag.NotFound", "There is no tag %s", id) },
			usable:  stateAvailable,
			check: func(t *tx, p Props, _ string) error {
				id := str(p, "resourceId")
				switch target := t.taggedByID(id); {
				case target == nil:
					return awserror.Bad("InvalidID", "The ID '%s' is not valid", id)
				case strings.HasPrefix(str(p, "key"), "aws:"):
					return awserror.Bad("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
				}
				return nil
			},
			make: func(t *tx, r *Resource) error {
				r.ID = str(r.Props, "resourceId") + "," + str(r.Props, "key")
				t.setTag(r.Props, true)
				return nil
			},
			update: func(t *tx, _, r *Resource) error { t.setTag(r.Props, true); return nil },
			gone:   func(t *tx, r *Resource) { t.setTag(r.Props, false) },
		},
	}
}

// taggedByID finds a VPC or subnet: what else has an owner elsewhere is not tagged by the programs of this project.
func (t *tx) taggedByID(id string) *Resource {
	for _, k := range []Kind{KindSubnet, KindVPC} {
		if r := t.usable(k, id); r != nil {
			return r
		}
	}
	return nil
}

func (t *tx) setTag(p Props, present bool) {
	target := t.taggedByID(str(p, "resourceId"))
	if target == nil {
		return
	}
	t.edit(target.Kind, target.ID, func(r *Resource) {
		tags, _ := r.Props["tags"].(map[string]any)
		if tags == nil {
			tags = Props{}
		}
		if key := str(p, "key"); present {
			r.Tags[key], tags[key] = str(p, "value"), str(p, "value")
		} else {
			delete(r.Tags, key)
			delete(tags, key)
		}
		r.Props["tags"] = tags
	})
}
