// SPDX-License-Identifier: Apache-2.0

package awswire

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"time"
)

const (
	xmlTime = "2006-01-02T15:04:05.000Z"
	nsEC2   = "http://ec2.amazonaws.com/doc/2016-11-15/"
	nsIAM   = "https://iam.amazonaws.com/doc/2010-05-08/"
	nsSTS   = "https://sts.amazonaws.com/doc/2011-06-15/"
	nsELB   = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
	nsS3    = "http://s3.amazonaws.com/doc/2006-03-01/"
)

// node is an XML element; one without a name is left out.
type node struct {
	name, text, ns string
	kids           []node
}

// el is an element with children.
func el(name string, kids ...node) node { return node{name: name, kids: kids} }

// txt is an element with text, present even when the text is empty.
func txt(name, text string) node { return node{name: name, text: text} }

// opt is an element with text, absent when the text is empty.
func opt(name, text string) node {
	if text == "" {
		return node{}
	}
	return txt(name, text)
}

func num(name string, n int) node        { return txt(name, strconv.Itoa(n)) }
func boolean(name string, b bool) node   { return txt(name, strconv.FormatBool(b)) }
func when(name string, t time.Time) node { return txt(name, t.UTC().Format(xmlTime)) }

// list is an element whose children all have the name item.
func list(name, item string, rows []node) node {
	n := node{name: name}
	for _, r := range rows {
		r.name = item
		n.kids = append(n.kids, r)
	}
	return n
}

// texts is a list of plain values.
func texts(name, item string, values []string) node {
	n := node{name: name}
	for _, v := range values {
		n.kids = append(n.kids, txt(item, v))
	}
	return n
}

func (n node) write(b *bytes.Buffer) {
	if n.name == "" {
		return
	}
	b.WriteString("<" + n.name)
	if n.ns != "" {
		b.WriteString(` xmlns="` + n.ns + `"`)
	}
	b.WriteString(">")
	if n.text != "" {
		// EscapeText fails only when the writer does; a buffer does not.
		_ = xml.EscapeText(b, []byte(n.text))
	}
	for _, k := range n.kids {
		k.write(b)
	}
	b.WriteString("</" + n.name + ">")
}

// document is the element as a whole XML document.
func (n node) document() []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	n.write(&b)
	return b.Bytes()
}
