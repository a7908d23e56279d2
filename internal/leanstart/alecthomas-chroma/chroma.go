// SPDX-License-Identifier: Apache-2.0

// Package chroma colours no code: it has the names that Pulumi's command tree and its Markdown printer need to compile.
// The original makes some 250 lexers and 60 styles at every start of the process, for commands that are not linked here.
package chroma

// TokenType is a kind of token.
type TokenType int

// The kinds that a style is made of.
const (
	Text TokenType = iota
	Error
	Comment
	CommentPreproc
	Keyword
	KeywordReserved
	KeywordNamespace
	KeywordType
	Operator
	Punctuation
	Name
	NameBuiltin
	NameTag
	NameAttribute
	NameClass
	NameConstant
	NameDecorator
	NameException
	NameFunction
	NameOther
	Literal
	LiteralNumber
	LiteralDate
	LiteralString
	LiteralStringEscape
	GenericDeleted
	GenericEmph
	GenericInserted
	GenericStrong
	GenericSubheading
	Background
)

// StyleEntries are the looks of kinds of tokens.
type StyleEntries map[TokenType]string

// Style is a named set of looks.
type Style struct {
	Name    string
	Entries StyleEntries
}

// MustNewStyle makes a style.
func MustNewStyle(name string, entries StyleEntries) *Style {
	return &Style{Name: name, Entries: entries}
}
