import { ChangeMessageVisibilityCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
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

/**
 * Amazon SQS through the AWS SDK: queues by the names that `drain` takes, with their URLs. Credentials and so on come from the usual
 * AWS variables and files, or from `config`; the region of the queue's URL comes first. A URL that is not Amazon's, or is of an endpoint
 * inside a VPC, is its own endpoint, unless `config` names one; the SDK knows Amazon's others by their region.
 */
export class Sqs {
  #queues;

  constructor(queues, config = {}) {
    if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
      throw new Error('NODE_TLS_REJECT_UNAUTHORIZED=0 would show new secrets to anybody in between; unset it, and name an authority of your own in NODE_EXTRA_CA_CERTS');
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
  }

  async receive(queue, max, wait, visibility) {
    const MessageSystemAttributeNames = ['ApproximateReceiveCount', 'SentTimestamp'];
    const input = { MaxNumberOfMessages: max, WaitTimeSeconds: wait, VisibilityTimeout: visibility, MessageSystemAttributeNames };
    const { Messages: messages = [] } = await this.#send(queue, ReceiveMessageCommand, input, wait * 1000 + CALL_LIMIT);
    return messages.map(({ MessageId: id, ReceiptHandle: receiptHandle, Body, Attributes = {} }) => ({
      id,
      receiptHandle,
      body: Buffer.from(Body),
      receiveCount: Number(Attributes.ApproximateReceiveCount ?? 0),
      sentAt: Attributes.SentTimestamp && BigInt(Attributes.SentTimestamp),
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
      // The 12 hours count from the receipt, which nobody here has kept: come nearer by halves.
      if (!error.message.includes('Total VisibilityTimeout') || seconds <= 60) throw error;
      await this.hide(queue, receiptHandle, Math.floor(seconds / 2));
    }
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
