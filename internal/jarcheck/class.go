// SPDX-License-Identifier: Apache-2.0

package jarcheck

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// class is what a class file says of itself. (The Java Virtual Machine Specification, chapter 4.)
type class struct {
	name       string // "org/example/Job"
	super      string
	interfaces []string
	major      int // 61 is Java 17
	refs       []string
	isAbstract bool
	hasMain    bool
	// identifier is what factoryIdentifier() returns, when it is a constant.
	identifier string
}

// Tags of the constant pool, with the bytes that follow each; those of a text follow its length.
const (
	tagText   = 1
	tagLong   = 5
	tagDouble = 6
	tagClass  = 7
	tagString = 8
)

var constantBytes = map[byte]int{
	3: 4, 4: 4, tagLong: 8, tagDouble: 8, tagClass: 2, tagString: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2,
	20: 2,
}

const (
	accessPublic   = 0x0001
	accessStatic   = 0x0008
	accessAbstract = 0x0400
)

// Instructions of a method that returns a constant.
const (
	loadConstant     = 0x12
	loadConstantWide = 0x13
	returnReference  = 0xb0
)

var errClass = errors.New("it is no class file")

// reader reads numbers of a class file; after its end they are 0, and bad is set.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return make([]byte, max(0, min(n, 8)))
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) u1() byte { return r.take(1)[0] }
func (r *reader) u2() int  { return int(binary.BigEndian.Uint16(r.take(2))) }
func (r *reader) u4() int  { return int(binary.BigEndian.Uint32(r.take(4))) }

// pool is the constant pool: texts by their index, and for classes and strings the index of their text.
type pool struct {
	texts map[int]string
	of    map[int]int
}

func (p pool) at(i int) string { return p.texts[p.of[i]] }

func parseClass(raw []byte) (class, error) {
	r := &reader{rest: raw}
	if r.u4() != 0xCAFEBABE {
		return class{}, errClass
	}
	r.u2() // the minor version
	c := class{major: r.u2()}
	p, classes, err := readPool(r)
	if err != nil {
		return class{}, err
	}
	c.isAbstract = r.u2()&accessAbstract != 0
	c.name, c.super = p.at(r.u2()), p.at(r.u2())
	for range r.u2() {
		c.interfaces = append(c.interfaces, p.at(r.u2()))
	}
	for _, i := range classes {
		c.refs = append(c.refs, p.at(i))
	}
	slices.Sort(c.refs)
	skipMembers(r, p, nil)
	skipMembers(r, p, func(access int, name, descriptor string, code []byte) {
		const public = accessPublic | accessStatic
		c.hasMain = c.hasMain || name == "main" && descriptor == "([Ljava/lang/String;)V" && access&public == public
		if name == "factoryIdentifier" && descriptor == "()Ljava/lang/String;" {
			c.identifier = constantOf(code, p)
		}
	})
	if r.bad {
		return class{}, errClass
	}
	return c, nil
}

func readPool(r *reader) (p pool, classes []int, err error) {
	p = pool{texts: map[int]string{}, of: map[int]int{}}
	n := r.u2()
	for i := 1; i < n && !r.bad; i++ {
		switch tag := r.u1(); tag {
		case tagText:
			p.texts[i] = string(r.take(r.u2()))
		case tagClass, tagString:
			p.of[i] = r.u2()
			if tag == tagClass {
				classes = append(classes, i)
			}
		case tagLong, tagDouble:
			r.take(constantBytes[tag])
			i++ // they take two places
		default:
			size, known := constantBytes[tag]
			if !known {
				return p, nil, fmt.Errorf("%w: it has a constant of kind %d", errClass, tag)
			}
			r.take(size)
		}
	}
	return p, classes, nil
}

// skipMembers reads the fields or methods, and gives each to see with its code.
func skipMembers(r *reader, p pool, see func(access int, name, descriptor string, code []byte)) {
	for range r.u2() {
		if r.bad {
			return
		}
		access, name, descriptor := r.u2(), p.texts[r.u2()], p.texts[r.u2()]
		var code []byte
		for range r.u2() {
			attribute, body := p.texts[r.u2()], &reader{}
			body.rest = r.take(r.u4())
			if attribute == "Code" && len(body.rest) >= 8 {
				body.take(4) // the sizes of stack and variables
				code = body.take(body.u4())
			}
		}
		if see != nil {
			see(access, name, descriptor, code)
		}
	}
}

// constantOf is the text that a method returns which does nothing else.
func constantOf(code []byte, p pool) string {
	switch {
	case len(code) == 3 && code[0] == loadConstant && code[2] == returnReference:
		return p.at(int(code[1]))
	case len(code) == 4 && code[0] == loadConstantWide && code[3] == returnReference:
		return p.at(int(binary.BigEndian.Uint16(code[1:])))
	}
	return ""
}
