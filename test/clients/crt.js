// Obtains credentials with the X.509 provider that is inside AWS's device SDKs,
// and uses them: it signs sts:GetCallerIdentity with that provider and sends it.
//
//   node crt.js '{"endpoint": "localhost", "proxy": "127.0.0.1:3128", "thing": …,
//                 "alias": …, "cert": FILE, "key": FILE, "ca": FILE,
//                 "api": "https://localhost:9443", "region": "us-east-1"}'
//
// The provider has no port option and always dials port 443 of the endpoint, so
// it goes through a CONNECT proxy that leads to the device door. Without "api"
// nothing is sent. Prints one line of JSON; never the secret or the token.
'use strict';

// aws-crt warns on stderr about versions of Node it will drop.
process.env.AWS_CRT_NODEJS_SUPPRESS_NODE_DEPRECATION_WARNING = 'true';

const fs = require('fs');
const https = require('https');
const { auth, http, io } = require('aws-crt');

function provider(want) {
  const tls = new io.TlsContextOptions();
  tls.certificate_filepath = want.cert;
  tls.private_key_filepath = want.key;
  tls.override_default_trust_store_from_path(undefined, want.ca);
  const [host, port] = want.proxy.split(':');
  return auth.AwsCredentialsProvider.newX509({
    endpoint: want.endpoint,
    thingName: want.thing,
    roleAlias: want.alias,
    tlsContext: new io.ClientTlsContext(tls),
    httpProxyOptions: new http.HttpProxyOptions(host, Number(port), http.HttpProxyAuthenticationType.None,
      undefined, undefined, undefined, http.HttpProxyConnectionType.Tunneling),
  });
}

async function sign(want, host, path) {
  const request = new http.HttpRequest('GET', path, new http.HttpHeaders([['Host', host]]));
  await auth.aws_sign_request(request, {
    algorithm: auth.AwsSigningAlgorithm.SigV4,
    signature_type: auth.AwsSignatureType.HttpRequestViaHeaders,
    provider: provider(want),
    region: want.region,
    service: 'sts',
    date: new Date(),
    signed_body_value: auth.AwsSignedBodyValue.EmptySha256,
    signed_body_header: auth.AwsSignedBodyHeaderType.None,
  });
  return Object.fromEntries(Array.from(request.headers));
}

function get(url, headers, ca) {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { headers, ca: fs.readFileSync(ca), timeout: 10_000 }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (part) => { body += part; });
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in 10 s')));
    request.on('error', reject);
  });
}

async function main() {
  const want = JSON.parse(process.argv[2]);
  const url = new URL('/?Action=GetCallerIdentity&Version=2011-06-15', want.api || 'https://nowhere.invalid');
  const headers = await sign(want, url.host, url.pathname + url.search);
  const said = {
    accessKeyId: /Credential=([^/]+)\//.exec(headers.Authorization)[1],
    tokenLength: headers['X-Amz-Security-Token'].length,
  };
  if (want.api) {
    Object.assign(said, await get(url, headers, want.ca));
  }
  return said;
}

main().then(
  (said) => { console.log(JSON.stringify(said)); process.exit(0); },
  (err) => { console.log(JSON.stringify({ error: String(err.message || err) })); process.exit(1); },
);
