export { EegTorchError, type ErrorCode, type ErrorDetails } from './errors.ts'
