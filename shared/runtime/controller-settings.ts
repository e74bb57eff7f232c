import * as z from 'zod/mini';

/** The `controllers` section of the settings: what QMOI may act on beside the platforms. What is not named here, it never touches. */

const name = z.string().check(z.regex(/^[a-z][a-z0-9-]{0,63}$/));

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** Allows an address that only machines nearby can reach, and one without encryption. */
  private: z.prefault(z.boolean(), false),
});

const instanceId = z.string().check(z.regex(/^i-[0-9a-f]{8,17}$/, 'an instance is i-<hexadecimal number>'));
/** Of groups and documents; becomes part of an ARN, so without what separates its parts or stands for anything. */
const awsName = z.string().check(z.regex(/^[\w.+=@-]{1,128}$/));

export const controllerSettings = z.strictObject({
  /** Services that are told what to do, by the name that a fix calls them by. */
  webhooks: z.prefault(z.record(name, webhook), {}),
  aws: z.prefault(
    z.strictObject({
      /** EC2 instances that may be rebooted, and that documents may be run on. */
      instances: z.prefault(z.array(instanceId).check(z.maxLength(50)), []),
      /** Those with such a tag as well. */
      tags: z.prefault(z.record(awsName, z.string().check(z.regex(/^[\w .:/=+@-]{1,256}$/))), {}),
      /** Auto Scaling groups whose instances may be terminated, for the group to replace them. */
      groups: z.prefault(z.array(awsName).check(z.maxLength(20)), []),
      /** Documents of Systems Manager that may be run. */
      documents: z.prefault(z.array(awsName).check(z.maxLength(20)), []),
      quantum: z.prefault(
        z.strictObject({
          /** Whether quantum tasks and hybrid jobs of Braket may be cancelled. */
          cancel: z.prefault(z.boolean(), false),
          /** The bucket of their results. With it, failed quantum tasks may be submitted anew, which costs money. */
          resubmitTo: z.optional(z.string().check(z.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'a bucket'))),
        }),
        {},
      ),
    }),
    {},
  ),
});
export type ControllerSettings = z.infer<typeof controllerSettings>;
