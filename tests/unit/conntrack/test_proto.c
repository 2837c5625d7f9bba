#include "lab.h"
void suite_proto(void)
{
}
