import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';

const client = new DynamoDBClient({});

export const handler = async (event: {
  rawPath: string;
  body?: string;
  isBase64Encoded: boolean;
  requestContext: { authorizer?: unknown; requestId: string };
}) => {
  if (event.rawPath.startsWith('/v1/')) return { event };
  const id = event.requestContext.requestId;
  await client.send(
    new PutItemCommand({
      TableName: process.env.TABLE_NAME,
      Item: {
        pk: { S: `delivery#${id}` },
        sk: { S: 'head' },
        entity: { S: 'delivery' },
        body: { S: event.body ?? '' },
      },
      ConditionExpression: 'attribute_not_exists(pk)',
    }),
  );
  return { statusCode: 202, body: JSON.stringify({ deliveryId: id }), headers: { 'content-type': 'application/json' } };
};
