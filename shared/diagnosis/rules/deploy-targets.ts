import type { Rule } from '../types.ts';
import { oneOf } from './pattern.ts';

/** Clusters and stacks that do not take what is deployed. */
export const deployTargetsRules: readonly Rule[] = [
  {
    id: 'kubernetes-rollout-timeout',
    category: 'performance',
    transient: null,
    severity: 'high',
    tier: 'decisive',
    remedy:
      'The new pods did not become ready in time. Look at their events and logs; raise the limit only if they need it.',
    pattern: oneOf(
      'exceeded its progress deadline',
      '^(?:Error: )?(?:UPGRADE|INSTALLATION) FAILED: .{0,200}(?:timed out waiting for the condition|context deadline exceeded)',
    ),
    literals: ['progress deadline', 'UPGRADE FAILED', 'INSTALLATION FAILED', 'timed out waiting for the condition'],
    examples: [
      'error: deployment "api" exceeded its progress deadline',
      'Error: UPGRADE FAILED: timed out waiting for the condition',
      'Error: INSTALLATION FAILED: context deadline exceeded',
    ],
    nearMisses: [
      'deployment "api" successfully rolled out',
      'Waiting for deployment "api" rollout to finish: 0 of 3 updated replicas are available...',
    ],
  },
  {
    id: 'kubernetes-pod-crashing',
    category: 'automation',
    transient: null,
    severity: 'high',
    tier: 'cause',
    remedy: 'The container starts and ends again. Read its log and its exit code.',
    pattern: oneOf('\\bCrashLoopBackOff\\b', 'Back-off restarting failed container'),
    literals: ['CrashLoopBackOff', 'Back-off restarting'],
    examples: [
      'api-7d9c6b5f4-x2x7z   0/1     CrashLoopBackOff   5 (30s ago)   4m',
      'Back-off restarting failed container api in pod api-7d9c6b5f4-x2x7z_default',
    ],
    nearMisses: ['api-7d9c6b5f4-x2x7z   1/1     Running   0   4m', 'crash loop tests passed'],
  },
  {
    id: 'stack-deployment-failed',
    category: 'automation',
    transient: null,
    severity: 'high',
    tier: 'verdict',
    remedy: 'The stack rolled back. Its events name the resource that failed first.',
    pattern: oneOf(
      '\\b(?:UPDATE_)?ROLLBACK_(?:COMPLETE|FAILED|IN_PROGRESS)\\b',
      '\\b(?:CREATE|UPDATE|DELETE)_FAILED\\b',
      'failed to deploy: \\w+_FAILED',
      '^Error: Failed to create/update the stack',
      '"code": ?"DeploymentFailed"',
      '\\*\\*(?:creating|updating|deleting|replacing) failed\\*\\*',
      '^\\s{0,8}error: (?:update|preview|destroy) failed$',
    ),
    literals: [
      'ROLLBACK_',
      'CREATE_FAILED',
      'UPDATE_FAILED',
      'DELETE_FAILED',
      'failed to deploy',
      'create/update the stack',
      'DeploymentFailed',
      'failed**',
      'error: update failed',
      'error: preview failed',
      'error: destroy failed',
    ],
    examples: [
      'Error: The stack named app failed to deploy: ROLLBACK_COMPLETE: Resource handler returned message',
      'app | 3/7 | 10:00:01 AM | CREATE_FAILED        | AWS::S3::Bucket | Bucket already exists',
      'Error: Failed to create/update the stack. Run the following command to fetch the list of events',
      ' +   aws:s3:Bucket        logs       **creating failed**     1 error',
      '    error: update failed',
    ],
    nearMisses: ['app | 7/7 | CREATE_COMPLETE', 'test_rollback_complete PASSED'],
  },
  {
    id: 'cloud-capacity-insufficient',
    category: 'runner',
    transient: true,
    severity: 'high',
    tier: 'decisive',
    remedy: 'The cloud has no machine of that kind free. Rerun later, or allow other sizes and zones.',
    pattern: oneOf(
      '\\bInsufficientInstanceCapacity\\b',
      'ZONE_RESOURCE_POOL_EXHAUSTED',
      '(?:AllocationFailed|SkuNotAvailable|OverconstrainedAllocationRequest)\\b',
      'does not have enough resources available to fulfill the request',
    ),
    literals: [
      'InsufficientInstanceCapacity',
      'RESOURCE_POOL_EXHAUSTED',
      'AllocationFailed',
      'SkuNotAvailable',
      'Overconstrained',
      'enough resources available',
    ],
    examples: [
      'InsufficientInstanceCapacity: We currently do not have sufficient m5.large capacity in the Availability Zone you requested.',
      'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS: The zone does not have enough resources available to fulfill the request.',
    ],
    nearMisses: ['capacity: 12 instances', 'SkuAvailable'],
  },
];
