import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';

const table = new DynamoDBClient({});
const sns = new SNSClient({});
const sqs = new SQSClient({});
const ssm = new SSMClient({});

interface Event {
  Records: { messageId: string; receiptHandle: string; body: string; eventSourceARN: string }[];
}

/** Obeys the delivery's body: `fail` throws, `retry:N` waits N seconds, `publish` tells the topic; else marks the item. */
export const handler = async (event: Event) => {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const record of event.Records) {
    try {
      const { pk, body } = (JSON.parse(record.body) as { detail: { pk: string; body: string } }).detail;
      if (body === 'fail') throw new Error('told to fail');
      const { Attributes: before } = await table.send(
        new UpdateItemCommand({
          TableName: process.env.TABLE_NAME,
          Key: { pk: { S: pk.replace('delivery', 'consumed') }, sk: { S: 'head' } },
          UpdateExpression: 'ADD seen :one SET #e = :entity',
          ExpressionAttributeNames: { '#e': 'entity' },
          ExpressionAttributeValues: { ':one': { N: '1' }, ':entity': { S: 'consumed' } },
          ReturnValues: 'ALL_OLD',
        }),
      );
      if (body.startsWith('retry:') && before?.seen === undefined) {
        await sqs.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl(record.eventSourceARN),
            ReceiptHandle: record.receiptHandle,
            VisibilityTimeout: Number(body.slice(6)),
          }),
        );
        batchItemFailures.push({ itemIdentifier: record.messageId });
      }
      if (body === 'publish') {
        const { Parameters = [] } = await ssm.send(
          new GetParametersCommand({ Names: ['/qmoi/github-token'], WithDecryption: true }),
        );
        await sns.send(
          new PublishCommand({
            TopicArn: process.env.TOPIC_ARN,
            Subject: 'told',
            Message: `token of ${Parameters[0]?.Value?.length ?? 0} characters`,
          }),
        );
      }
    } catch (error) {
      console.error(String(error));
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
};

function queueUrl(arn: string): string {
  const [, , , , account, name] = arn.split(':');
  return `${process.env.AWS_ENDPOINT_URL}/${account}/${name}`;
}
