import { ChangeMessageVisibilityCommand, DeleteMessageCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Failure } from './failure.js';
import { origin } from './http.js';

const CALL_LIMIT = 10_000;
const HIDDEN_AT_MOST = 12 * 60 * 60;
// `sqs.REGION.amazonaws.com` and its relatives: other partitions, FIPS, dual stack, VPC endpoints, and the old forms.
const AMAZON = /^https:\/\/(?:(?:.*\.)?sqs(?:-fips)?\.(?<region>[\w-]+)|(?:(?<old>[\w-]+)\.)?queue)(?<vpc>\.vpce)?\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)$/;
const DENIED = /AccessDenied|AuthFailure|Credentials|ExpiredToken|IncompleteSignature|InvalidAccessKeyId|InvalidClientTokenId|InvalidSecurity|InvalidSignature|Kms|NotAuthorized|SignatureDoesNotMatch|UnrecognizedClient/i;

/** Whatever names the endpoint (the URL, `config`, `AWS_ENDPOINT_URL_SQS`, a profile), no message travels unencrypted. */
const encrypted = (next) => async (args) => {
  const { protocol, hostname, port } = args.request;
  try {
    origin(new URL(`${protocol}//${hostname}${port ? `:${port}` : ''}`));
  } catch (error) {
    throw new Failure('other', `the endpoint of the queue: ${error.message}`);
  }
  return next(args);
};

/** An error's first line: those behind it repeat the request that was refused, with the session token. */
function firstLine(error) {
  const [line] = `${error?.message}`.split(/[\r\n]|x-amz-security-token/i);
  return `${error?.name}: ${line.slice(0, 300)}`;
}

/** A part of an inspection, or why it is missing. */
async function had(promise) {
  try {
    return { tag: 'ok', val: await promise };
  } catch ({ payload: { tag, val } }) {
    const gap = { 'not-found': 'not-found', 'access-denied': 'denied' }[tag] ?? 'unreachable';
    return { tag: 'err', val: { tag: gap, val } };
  }
}

function keyFailure(id, error) {
  const tag = /NotFound/.test(error?.name) ? 'not-found' : DENIED.test(error?.name) ? 'access-denied' : 'unavailable';
  return new Failure(tag, `the key ${id}: ${firstLine(error)}`);
}

/**
 * Amazon SQS through the AWS SDK: queues by the names that `drain` takes, with their URLs. Credentials and so on come from the usual
 * AWS variables and files, or from `config`; the region of the queue's URL comes first. A URL that is not Amazon's, or is of an endpoint
 * inside a VPC, is its own endpoint, unless `config` names one; the SDK knows Amazon's others by their region. `flow` says whether this
 * host receives the messages or a service passes them on; `kms(region)` answers a client that is asked about a queue's own key.
 */
export class Sqs {
  #queues;
  #flow;
  #kms;

  constructor(queues, config = {}, { flow = 'pulled', kms } = {}) {
    if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
      throw new Error('NODE_TLS_REJECT_UNAUTHORIZED=0 would show new secrets to others on the way; unset it, and name an authority of your own in NODE_EXTRA_CA_CERTS');
    }
    this.#queues = new Map(Object.entries(queues).map(([name, url]) => {
      const endpoint = origin(new URL(url));
      const amazon = endpoint.match(AMAZON)?.groups;
      const own = amazon && !amazon.vpc ? { useQueueUrlAsEndpoint: false } : { endpoint };
      const region = amazon && { region: amazon.region ?? amazon.old ?? 'us-east-1' };
      const client = new SQSClient({ ...own, ...config, ...region });
      client.middlewareStack.add(encrypted, { step: 'build', name: 'encrypted' });
      return [name, { url, client }];
    }));
    if (!['pulled', 'pushed'].includes(flow)) throw new TypeError("flow is 'pulled' or 'pushed'");
    this.#flow = flow;
    this.#kms = kms;
  }

  async receive(queue, max, wait, visibility) {
    const MessageSystemAttributeNames = ['ApproximateReceiveCount'];
    const input = { MaxNumberOfMessages: max, WaitTimeSeconds: wait, VisibilityTimeout: visibility, MessageSystemAttributeNames };
    const { Messages: messages = [] } = await this.#send(queue, ReceiveMessageCommand, input, wait * 1000 + CALL_LIMIT);
    return messages.map(({ MessageId: id, ReceiptHandle: receiptHandle, Body, Attributes = {} }) => ({
      id,
      receiptHandle,
      body: Buffer.from(Body),
      receiveCount: Number(Attributes.ApproximateReceiveCount ?? 0),
    }));
  }

  async delete(queue, receiptHandle) {
    await this.#send(queue, DeleteMessageCommand, { ReceiptHandle: receiptHandle });
  }

  async hide(queue, receiptHandle, visibility) {
    const seconds = Math.min(visibility, HIDDEN_AT_MOST);
    try {
      await this.#send(queue, ChangeMessageVisibilityCommand, { ReceiptHandle: receiptHandle, VisibilityTimeout: seconds });
    } catch (error) {
      // The 12 hours count from the receipt, which is not kept here: come nearer by halves.
      if (!error.message.includes('Total VisibilityTimeout') || seconds <= 60) throw error;
      await this.hide(queue, receiptHandle, Math.floor(seconds / 2));
    }
  }

  async inspect(queue) {
    const attributes = await had(this.#send(queue, GetQueueAttributesCommand, { AttributeNames: ['All'] }).then(({ Attributes = {} }) => Attributes));
    if (attributes.tag === 'err') return { attributes, flow: this.#flow };
    const list = Object.entries(attributes.val).map(([name, value]) => ({ name, value }));
    const id = attributes.val.KmsMasterKeyId;
    const key = id && !/^(arn:.*:)?alias\/aws\//.test(id) ? await this.#key(queue, id) : undefined;
    return { attributes: { tag: 'ok', val: list }, key, flow: this.#flow };
  }

  /** What KMS says of a queue's own key. */
  async #key(queue, id) {
    if (!this.#kms) {
      const gap = { tag: 'err', val: { tag: 'denied', val: `this host has no client for KMS, so it did not ask about the key ${id}` } };
      return { description: gap, policy: gap };
    }
    const kms = this.#kms(await this.#queues.get(queue).client.config.region());
    const ask = (name, input) => had(Promise.resolve(kms[name](input, { abortSignal: AbortSignal.timeout(CALL_LIMIT) })).catch((error) => { throw keyFailure(id, error); }));
    const description = await ask('describeKey', { KeyId: id });
    const { Arn: arn = id, KeyState: state = '', KeyManager } = description.val.KeyMetadata ?? {};
    if (description.tag === 'ok') description.val = { arn, state, managedByAws: KeyManager === 'AWS' };
    // The policy is not to be had by an alias.
    const policy = await ask('getKeyPolicy', { KeyId: arn, PolicyName: 'default' });
    if (policy.tag === 'ok') policy.val = policy.val.Policy ?? '';
    return { description, policy };
  }

  async #send(queue, Command, input, limit = CALL_LIMIT) {
    if (!this.#queues.has(queue)) throw new Failure('not-found', `the settings have no queue '${queue}'`);
    const { url, client } = this.#queues.get(queue);
    try {
      return await client.send(new Command({ QueueUrl: url, ...input }), { abortSignal: AbortSignal.timeout(limit) });
    } catch (error) {
      if (error instanceof Failure) throw error;
      const status = error.$metadata?.httpStatusCode;
      const text = `the queue '${queue}': ${firstLine(error)}`;
      const aboutReceipt = /receipt ?handle/i.test(error.message) && Command !== ReceiveMessageCommand;
      if (/QueueDoesNotExist|NonExistentQueue|InvalidAddress/.test(error.name)) throw new Failure('not-found', text);
      const stale = /ReceiptHandleIsInvalid|MessageNotInflight/.test(error.name) || (/^InvalidParameterValue/.test(error.name) && aboutReceipt);
      if (stale) throw new Failure('stale-receipt');
      if (DENIED.test(error.name) || status === 401 || status === 403) throw new Failure('access-denied', text);
      throw new Failure(status >= 400 && status < 500 && status !== 429 ? 'other' : 'unavailable', text);
    }
  }
}
