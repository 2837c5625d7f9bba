#include "lab.h"
void suite_nat(void)
{
}
