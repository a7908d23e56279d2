// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOriginsAreRememberedByStackAndState(t *testing.T) {
	t.Parallel()
	o := OriginsIn(t.TempDir())
	all, err := o.All()
	require.NoError(t, err)
	require.Empty(t, all)
	here := Origin{Stack: "dev", Folder: "/here", Changed: time.Unix(1, 0).UTC()}
	there := Origin{Stack: "dev", State: "s3://b", Folder: "/there", Changed: time.Unix(2, 0).UTC()}
	require.NoError(t, o.Remember(there))
	require.NoError(t, o.Remember(here))
	require.NoError(t, os.WriteFile(filepath.Join(o.dir, "broken.json"), []byte("{"), 0o600))
	all, err = o.All()
	require.NoError(t, err)
	require.Equal(t, []Origin{here, there}, all)
	require.Equal(t, there, o.Recall("dev", "s3://b"))
	require.NoError(t, o.Forget("dev", ""))
	require.NoError(t, o.Forget("dev", ""), "one that is not known is forgotten")
	require.Equal(t, Origin{Stack: "dev"}, o.Recall("dev", ""))
	require.Equal(t, Origin{Stack: "broken"}, o.Recall("broken", ""))
}
