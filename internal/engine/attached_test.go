// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatPulumisCommandsNeed(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Use{
		"up":                               {Provider: true, Program: true, Changes: true},
		"update --yes --stack dev":         {Stack: "dev", Provider: true, Program: true, Changes: true},
		"--stack=dev preview":              {Stack: "dev", Provider: true, Program: true},
		"-s dev refresh --yes":             {Stack: "dev", Provider: true, Changes: true},
		"--non-interactive -C /x destroy":  {Provider: true, Changes: true},
		"import aws:s3/bucket:Bucket b id": {Provider: true, Changes: true},
		"stack export":                     {},
		"state delete up":                  {},
		"config set up preview":            {},
		"-s up stack":                      {Stack: "up"},
		"up --help":                        {},
		"destroy -h":                       {},
		"":                                 {},
	} {
		require.Equal(t, want, UseOf(strings.Fields(line)), line)
	}
}
