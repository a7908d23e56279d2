// SPDX-License-Identifier: Apache-2.0

package cmdutil

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// messages are the texts of our own in the source below a folder: what is given to a function that makes or wraps an error, and
// the fields of errors and checks that people read.
func messages(t *testing.T, folder string) map[string]string {
	t.Helper()
	makers := set("Errorf New Usagef refuse refusef refused add problem failed fine unknown Sprintf Say Command")
	fields := set("Message Hint What Why Fix Next Cause Short Long Doc Usage")
	out := map[string]string{}
	take := func(at string, e ast.Expr) {
		ast.Inspect(e, func(n ast.Node) bool {
			x, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			text, ok := joined(x)
			if ok {
				out[text] = at
			}
			return !ok
		})
	}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.CallExpr:
				if makers[called(x)] {
					for _, arg := range x.Args {
						take(path, arg)
					}
				}
			case *ast.KeyValueExpr:
				if key, ok := x.Key.(*ast.Ident); ok && fields[key.Name] {
					take(path, x.Value)
				}
			}
			return true
		})
		return nil
	}))
	return out
}

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// called is the name of the function of a call.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// joined is the text of literals that are added up.
func joined(e ast.Expr) (string, bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := joined(x.X)
		right, also := joined(x.Y)
		return left + right, ok && also
	}
	return "", false
}

// TestNoMessageOfOurOwnIsMasked gives each text of ours words, numbers and the names of files in the place of its verbs, and
// prints it as the error, the cause, a problem and the next step.
func TestNoMessageOfOurOwnIsMasked(t *testing.T) {
	t.Parallel()
	all := map[string]string{}
	for _, folder := range []string{"internal", "stacks", "components", "karpenter"} {
		for text, at := range messages(t, filepath.Join("..", "..", "..", folder)) {
			all[text] = at
		}
	}
	require.Greater(t, len(all), 1500)
	verb := regexp.MustCompile(`%[-+#0-9.]*[a-zA-Z]`)
	for text, at := range all {
		for i, name := range []string{"value", "/home/me/token.json", "s3://bucket/secrets", "7 of them"} {
			said := verb.ReplaceAllStringFunc(text, func(v string) string {
				switch v[len(v)-1] {
				case 'q':
					return strconv.Quote(name)
				case 'd', 'f', 'g':
					return "7"
				case 'w', 'v':
					return []string{
						"open /home/me/passphrase: no such file or directory", "exit status 7",
						"illegal base64 data at input byte 4",
						"AccessDenied: not authorized to perform secretsmanager:GetSecretValue",
					}[i]
				}
				return name
			})
			check := "credentials: AWS does not know the identity\nwhy: " + said + "\nfix: " + said
			r := hidden(Report{Error: said, Cause: said, Next: []string{said}, Problems: []string{said, check}}, nil)
			require.Equal(t, Report{Error: said, Cause: said, Next: []string{said}, Problems: []string{said, check}}, r, at)
		}
	}
}
