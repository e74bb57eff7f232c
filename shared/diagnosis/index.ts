export { checkRule } from './check-rule.ts';
export { diagnose } from './diagnose.ts';
export { ABOUT_TESTS } from './headline.ts';
export { redact } from './redact.ts';
export { rules } from './rules/index.ts';
export { readSuccess, SuccessLines } from './success.ts';
export type {
  Category,
  DiagnoseOptions,
  Diagnosis,
  LogContext,
  LogSource,
  Outcome,
  Rule,
  Severity,
  Tier,
} from './types.ts';
export { diagnoseWithoutLog } from './without-log.ts';
