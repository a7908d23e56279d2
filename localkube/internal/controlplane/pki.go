// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// Keys live as long as the state directory. Ten years is what EKS gives its cluster CA.
const (
	certLifetime = 10 * 365 * 24 * time.Hour
	signingBits  = 2048
)

// ensurePKI makes, once per state directory, the CA, the serving certificate, the one that kubelets know the API server by, and
// the key pair that signs service account tokens. The last is RSA, because AWS verifies RS256 only.
func (d dir) ensurePKI(service net.IP) error {
	if !d.exists(servingCert) || !d.exists(servingKey) || !d.exists(caCertFile) {
		if err := d.makeServing(service); err != nil {
			return err
		}
	}
	if !d.exists(kubeletCert) || !d.exists(kubeletKey) {
		if err := d.makeKubeletClient(); err != nil {
			return err
		}
	}
	if d.exists(signingKey) && d.exists(signingPub) {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, signingBits)
	if err != nil {
		return fmt.Errorf("make the service account key: %w", err)
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return fmt.Errorf("encode the service account key: %w", err)
	}
	if err := d.writePEM(signingPub, "PUBLIC KEY", pub); err != nil {
		return err
	}
	return d.writePEM(signingKey, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func (d dir) makeServing(service net.IP) error {
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kubernetes"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLifetime),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: true,
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the CA key: %w", err)
	}
	leaf := newLeaf(x509.ExtKeyUsageServerAuth, pkix.Name{CommonName: "kube-apiserver"})
	leaf.DNSNames = []string{
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, service}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the serving key: %w", err)
	}
	if err := d.writeCert(caCertFile, caKeyFile, ca, ca, caKey, caKey); err != nil {
		return err
	}
	return d.writeCert(servingCert, servingKey, leaf, ca, leafKey, caKey)
}

func newLeaf(use x509.ExtKeyUsage, subject pkix.Name) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: subject,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use},
	}
}

// makeKubeletClient makes the certificate with the name and the group that it has where kubeadm makes it.
func (d dir) makeKubeletClient() error {
	a, err := d.authority()
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of kubelets' client: %w", err)
	}
	leaf := newLeaf(x509.ExtKeyUsageClientAuth, pkix.Name{
		CommonName: "kube-apiserver-kubelet-client", Organization: []string{"system:masters"},
	})
	return d.writeCert(kubeletCert, kubeletKey, leaf, a.cert, key, a.key)
}

// authority is the CA of a state directory.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (d dir) authority() (*authority, error) {
	pair, err := tls.LoadX509KeyPair(d.path(caCertFile), d.path(caKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read the CA: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key of the CA is a %T, which cannot sign", pair.PrivateKey)
	}
	return &authority{pair.Leaf, key}, nil
}

// kubelet makes the certificate of the kubelet at an address. It is not kept.
func (a *authority) kubelet(address string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of a kubelet: %w", err)
	}
	leaf := newLeaf(x509.ExtKeyUsageServerAuth, pkix.Name{
		CommonName: "system:node:" + address, Organization: []string{"system:nodes"},
	})
	if ip := net.ParseIP(address); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{address}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate of a kubelet: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func (d dir) writeCert(certName, keyName string, cert, parent *x509.Certificate, key *ecdsa.PrivateKey,
	signer crypto.Signer) error {
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	if err != nil {
		return fmt.Errorf("sign %s: %w", certName, err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode %s: %w", keyName, err)
	}
	if err := d.writePEM(keyName, "EC PRIVATE KEY", private); err != nil {
		return err
	}
	return d.writePEM(certName, "CERTIFICATE", der)
}

func (d dir) writePEM(name, kind string, der []byte) error {
	return d.write(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func (d dir) read(name string) ([]byte, error) {
	body, err := os.ReadFile(d.path(name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return body, nil
}
