package server

import "testing"

func TestCheckDomain(t *testing.T) {
	for domain, ok := range map[string]bool{
		"s3.example.com": true, "localhost": true,
		"": false, "https://s3.example.com": false, "*.s3.example.com": false, "s3.example.com:9443": false, ".example.com": false, "example.com.": false, "S3.example.com": false,
	} {
		if err := checkDomain(domain); (err == nil) != ok {
			t.Errorf("%q: %v", domain, err)
		}
	}
}
