/**
 * What the platforms that come over the account's event bus say there, apart from their adapters: the stack's rule is made
 * of it. https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-braket.html
 */
export const BUS_EVENTS = {
  braket: {
    source: 'aws.braket',
    types: [
      'Braket Task State Change',
      'Braket Job State Change',
      'Braket Device Status Change',
      'Braket QPU Status Change',
    ],
  },
} as const;
