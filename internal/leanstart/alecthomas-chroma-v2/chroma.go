// SPDX-License-Identifier: Apache-2.0

// Package chroma is the same under the name of the second version, which Pulumi links as well.
package chroma

import "github.com/alecthomas/chroma"

// The types of the first version.
type (
	TokenType    = chroma.TokenType
	StyleEntries = chroma.StyleEntries
	Style        = chroma.Style
)

// The kinds that a style is made of.
const (
	Text                = chroma.Text
	Error               = chroma.Error
	Comment             = chroma.Comment
	CommentPreproc      = chroma.CommentPreproc
	Keyword             = chroma.Keyword
	KeywordReserved     = chroma.KeywordReserved
	KeywordNamespace    = chroma.KeywordNamespace
	KeywordType         = chroma.KeywordType
	Operator            = chroma.Operator
	Punctuation         = chroma.Punctuation
	Name                = chroma.Name
	NameBuiltin         = chroma.NameBuiltin
	NameTag             = chroma.NameTag
	NameAttribute       = chroma.NameAttribute
	NameClass           = chroma.NameClass
	NameConstant        = chroma.NameConstant
	NameDecorator       = chroma.NameDecorator
	NameException       = chroma.NameException
	NameFunction        = chroma.NameFunction
	NameOther           = chroma.NameOther
	Literal             = chroma.Literal
	LiteralNumber       = chroma.LiteralNumber
	LiteralDate         = chroma.LiteralDate
	LiteralString       = chroma.LiteralString
	LiteralStringEscape = chroma.LiteralStringEscape
	GenericDeleted      = chroma.GenericDeleted
	GenericEmph         = chroma.GenericEmph
	GenericInserted     = chroma.GenericInserted
	GenericStrong       = chroma.GenericStrong
	GenericSubheading   = chroma.GenericSubheading
	Background          = chroma.Background
)

// MustNewStyle makes a style.
func MustNewStyle(name string, entries StyleEntries) *Style {
	return chroma.MustNewStyle(name, entries)
}
