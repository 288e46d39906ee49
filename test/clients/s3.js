// The steps of ../s3clients/testdata/steps.sh with AWS's SDK for JavaScript v3,
// with the body of a PUT as a buffer or as a stream:
//
//   node s3.js buffer|stream
'use strict';

const assert = require('assert');
const fs = require('fs');
const https = require('https');
const s3 = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner');

const { ENDPOINT, BUCKET, PREFIX, BIG } = process.env;
const client = new s3.S3Client({ endpoint: ENDPOINT, forcePathStyle: true });
const key = (name) => ({ Bucket: BUCKET, Key: `${PREFIX}/${name}` });

function piece(start, length) {
  const file = fs.openSync(BIG, 'r');
  const out = Buffer.alloc(length);
  fs.readSync(file, out, 0, length, start);
  fs.closeSync(file);
  return out;
}

const send = (command, input) => client.send(new s3[command](input));

async function body(name, more = {}) {
  const answer = await send('GetObjectCommand', { ...key(name), ...more });
  return Buffer.from(await answer.Body.transformToByteArray());
}

async function names() {
  const answer = await send('ListObjectsV2Command', { Bucket: BUCKET, Prefix: `${PREFIX}/` });
  return (answer.Contents || []).map((o) => o.Key);
}

async function refused(command, input) {
  await assert.rejects(send(command, input), (e) => e.$metadata.httpStatusCode === 403);
}

function fetched(url) {
  return new Promise((resolve, reject) => {
    https.get(url, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve(Buffer.concat(parts)));
    }).on('error', reject);
  });
}

async function main(kind) {
  const small = piece(0, 4096);
  const tail = piece(fs.statSync(BIG).size - 1048577, 1048577);
  fs.writeFileSync('small', small);
  const source = () => (kind === 'stream' ? fs.createReadStream('small') : small);

  await send('PutObjectCommand', { ...key('small'), Body: source() });
  console.log('ok put');
  assert.deepStrictEqual(await body('small'), small);
  console.log('ok get');
  assert.deepStrictEqual(await names(), [`${PREFIX}/small`]);
  console.log('ok list');
  const Body = kind === 'stream' ? fs.createReadStream(BIG) : fs.readFileSync(BIG);
  await new Upload({ client, params: { ...key('big'), Body }, partSize: 16 << 20 }).done();
  console.log('ok multipart');
  assert.deepStrictEqual(await body('big', { Range: 'bytes=-1048577' }), tail);
  console.log('ok range');
  await send('CopyObjectCommand', { ...key('copy'), CopySource: `${BUCKET}/${PREFIX}/small` });
  assert.deepStrictEqual(await body('copy'), small);
  console.log('ok copy');
  const TagSet = [{ Key: 'colour', Value: 'red' }];
  await send('PutObjectTaggingCommand', { ...key('small'), Tagging: { TagSet } });
  assert.deepStrictEqual((await send('GetObjectTaggingCommand', key('small'))).TagSet, TagSet);
  console.log('ok tag');
  assert.deepStrictEqual(await fetched(await getSignedUrl(client, new s3.GetObjectCommand(key('small')))), small);
  console.log('ok presign');
  await refused('PutObjectCommand', { Bucket: BUCKET, Key: `other/${PREFIX}`, Body: source() });
  await refused('GetObjectCommand', { Bucket: BUCKET, Key: 'other/secret' });
  await refused('ListObjectsV2Command', { Bucket: BUCKET, Prefix: 'other/' });
  console.log('ok refused');
  const Objects = (await names()).map((Key) => ({ Key }));
  assert.strictEqual((await send('DeleteObjectsCommand', { Bucket: BUCKET, Delete: { Objects } })).Errors, undefined);
  assert.deepStrictEqual(await names(), []);
  console.log('ok delete');
}

main(process.argv[2]).catch((e) => {
  console.error(e);
  process.exit(1);
});
